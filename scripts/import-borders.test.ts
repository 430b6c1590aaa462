import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from './stack/paths.ts';

/** A file in a folder, an import it may not make, and one it may. */
const BORDERS: readonly [file: string, forbidden: string, allowed: string][] = [
  ['domain/a.ts', `import { readFileSync } from 'node:fs';`, `import { sha256 } from '@noble/hashes/sha2.js';`],
  ['domain/b.ts', `import { keccak256 } from 'ethers';`, `import { isEnd } from './status.ts';`],
  ['domain/c.ts', `import { openDatabase } from '../db/client.ts';`, `import { isEnd } from './status.ts';`],
  ['workflows/a.ts', `import { makeSign } from '../activities/sign.ts';`, `import type { SignResult } from '../activities/index.ts';`],
  ['workflows/b.ts', `import { users } from '../db/schema/users.ts';`, `import { isEnd } from '../domain/status.ts';`],
  ['workflows/c.ts', `import { keccak256 } from 'ethers';`, `import { sleep } from '@temporalio/workflow';`],
  ['activities/a.ts', `import { buildApp } from '../api/app.ts';`, `import { users } from '../db/schema/users.ts';`],
  ['activities/chain/b.ts', `import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';`, `import { isEnd } from '../../domain/status.ts';`],
  ['db/a.ts', `import { createRpc } from '../activities/chain/rpc.ts';`, `import { isEnd } from '../domain/status.ts';`],
  ['temporal-config/a.ts', `import { users } from '../db/schema/users.ts';`, `import { isEnd } from '../domain/status.ts';`],
  ['api/a.ts', `import { makeSign } from '../activities/sign.ts';`, `import { users } from '../db/schema/users.ts';`],
  ['api/b.ts', `import { withdrawal } from '../workflows/withdrawal.ts';`, `import { CANCEL_SIGNAL } from '../workflows/message-names.ts';`],
  ['workers/a.ts', `import { buildApp } from '../api/app.ts';`, `import { makeSign } from '../activities/sign.ts';`],
];

describe('import borders', () => {
  const folder = mkdtempSync(join(tmpdir(), 'borders-'));
  let report = '';

  beforeAll(() => {
    copyFileSync(join(PROJECT_ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    for (const [file, forbidden, allowed] of BORDERS) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `${forbidden}\n${allowed}\n`);
    }
    const lint = spawnSync(process.execPath, [join(PROJECT_ROOT, 'node_modules/oxlint/bin/oxlint'), '--format', 'unix'], { cwd: folder, encoding: 'utf8' });
    report = lint.stdout;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(BORDERS)('%s: %s is refused, %s is not', (file) => {
    const refused = report.split('\n').filter((line) => line.includes(file) && line.includes('no-restricted-imports'));
    expect(refused.map((line) => /:(\d+):\d+:/.exec(line)?.[1])).toEqual(['1']);
  });
});
