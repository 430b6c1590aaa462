import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { cacheDir } from './paths.ts';
import { ensurePython } from './python.ts';

const SCHEMATHESIS_VERSION = '4.32.5';
const INSTEAD = 'run the other tests only';

/** Installs schemathesis into a Python environment of its own in the cache. Resolves to its command. */
export async function ensureSchemathesisInstalled(logFile: string): Promise<string> {
  const venv = join(cacheDir(), `schemathesis-${SCHEMATHESIS_VERSION}`);
  const command = join(venv, 'bin', 'schemathesis');
  const complete = join(venv, '.complete');
  if (existsSync(complete)) return command;
  const python = await ensurePython(INSTEAD, logFile);
  const advice = `check the network and pip's settings and try again, or ${INSTEAD}`;
  rmSync(venv, { recursive: true, force: true });
  await runCommand(python, ['-m', 'venv', venv], { logFile, timeoutMs: 120_000, advice });
  await runCommand(join(venv, 'bin', 'pip'), ['install', '--disable-pip-version-check', `schemathesis==${SCHEMATHESIS_VERSION}`], { logFile, timeoutMs: 10 * 60_000, advice });
  writeFileSync(complete, '');
  return command;
}
