import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { aptInstall } from './apt.ts';
import { findExecutable } from './command.ts';
import { UserError } from '../command-line/user-error.ts';

// Debian's python3 comes without the part that makes environments.
function canMakeVenv(python: string): boolean {
  return spawnSync(python, ['-c', 'import venv, ensurepip']).status === 0;
}

/** A Python that can make environments, installed where there is none. `instead` says what a person could do otherwise. */
export async function ensurePython(instead: string, logFile: string): Promise<string> {
  const present = findExecutable('python3');
  if (present !== undefined && canMakeVenv(present)) return present;
  await aptInstall(['python3', 'python3-venv'], instead, logFile);
  // Debian's own, should another Python without venv come first on the PATH.
  const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : findExecutable('python3');
  if (python === undefined) throw new UserError(`Python 3 is missing: install it, or ${instead}.`);
  return python;
}
