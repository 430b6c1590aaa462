import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeSecrets } from './write-secrets.ts';

const dir = mkdtempSync(join(tmpdir(), 'docker-secrets-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const modeOf = (name: string): number => statSync(join(dir, name)).mode & 0o777;

describe('the secrets of the containers', () => {
  it('are readable files in a closed directory, made under any umask', () => {
    const before = process.umask(0o077);
    try {
      expect(writeSecrets(dir)).toContain('seal_key');
    } finally {
      process.umask(before);
    }
    expect([modeOf('.'), modeOf('seal_key'), modeOf('temporal')]).toEqual([0o700, 0o644, 0o755]);
  });

  it('are kept when it is called again, and what an operator put there can be read by the containers from then on', () => {
    const seal = readFileSync(join(dir, 'seal_key'), 'utf8');
    for (const own of ['database_url', 'rpc_url', join('temporal', 'client.key')]) {
      rmSync(join(dir, own), { force: true });
      writeFileSync(join(dir, own), 'mine', { mode: 0o600 });
    }
    chmodSync(join(dir, 'temporal'), 0o700);
    expect(writeSecrets(dir)).toEqual([]);
    expect(['seal_key', 'database_url'].map((name) => readFileSync(join(dir, name), 'utf8'))).toEqual([seal, 'mine']);
    expect(['database_url', 'rpc_url', 'temporal', join('temporal', 'client.key')].map(modeOf)).toEqual([0o644, 0o644, 0o755, 0o644]);
  });
});
