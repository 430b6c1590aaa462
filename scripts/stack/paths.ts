import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { oneLine, UserError } from '../command-line/user-error.ts';

export const PROJECT_ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** Where downloads and builds are kept across projects and resets: `$XDG_CACHE_HOME/withdrawal-engine`. */
export function cacheDir(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'withdrawal-engine');
}

/** The same, made where it is missing. Throws UserError where it cannot be written to. */
export function makeCacheDir(): string {
  return makeDir(cacheDir(), 'XDG_CACHE_HOME');
}

function makeDir(dir: string, variable: string): string {
  try {
    mkdirSync(dir, { recursive: true });
    accessSync(dir, constants.W_OK);
    return dir;
  } catch (error) {
    throw new UserError(`${dir} cannot be written to (${oneLine(error)}): set ${variable} to a directory of your own.`, { cause: error });
  }
}

/** All state of one sandbox lives below one directory, so that a test can have a sandbox of its own. */
export interface StatePaths {
  readonly root: string;
  readonly run: string;
  readonly logs: string;
  readonly secrets: string;
  readonly credentialsFile: string;
  readonly chainFile: string;
}

export function statePaths(root: string): StatePaths {
  const absolute = resolve(PROJECT_ROOT, root);
  return {
    root: absolute,
    run: join(absolute, 'run'),
    logs: join(absolute, 'logs'),
    secrets: join(absolute, 'secrets'),
    credentialsFile: join(absolute, 'credentials.json'),
    chainFile: join(absolute, 'chain.json'),
  };
}

/** The state directory of `npm start`: `.sandbox`, or where SANDBOX_DIR points. */
export function defaultStatePaths(env: NodeJS.ProcessEnv = process.env): StatePaths {
  return statePaths(env['SANDBOX_DIR'] || '.sandbox');
}

/** Makes the state directory where it is missing. Throws UserError where it cannot be written to. */
export function makeStateDir({ root }: Pick<StatePaths, 'root'>): void {
  makeDir(root, 'SANDBOX_DIR');
}
