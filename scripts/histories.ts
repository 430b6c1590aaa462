import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PROJECT_ROOT } from './stack/paths.ts';

const HELP = `Usage: npm run histories -- [NAME …]

Walks every road of the workflows with the real parts (database, Redis, Temporal, chain) and keeps the histories in
workflows/histories/, which "npm test" replays against the code of the day. Run it after a change that running withdrawals
cannot meet (before a release), never to silence a replay that fails: that one needs a patch ("patched" of the SDK).
Takes about ten minutes. Run "npm test" once before, so that the parts are installed.

  NAME     record these only, as named in tests/histories/scenarios.ts
  --help   this text

Exit codes: 0 recorded, 1 a road could not be walked, 2 wrong usage.`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean', short: 'h', default: false } } });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const vitest = join(PROJECT_ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', '--config', 'tests/histories/vitest.config.ts', '--reporter=verbose'], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, HISTORIES_ONLY: positionals.join(',') },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0 ? 0 : 1));
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
