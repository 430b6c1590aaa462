import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatePaths } from './paths.ts';
import { identityOf, readPidFile, removePidFile, writePidFile, type ProcessIdentity } from './process-identity.ts';

const NAME = 'supervisor';

/** The supervisor that runs on this state directory, if one does. */
export function runningSupervisor(paths: StatePaths): ProcessIdentity | undefined {
  return readPidFile(paths.run, NAME);
}

/**
 * Makes this process the supervisor of the state directory. Returns undefined, or the one that is it already. A lock
 * whose holder died is taken over.
 */
export function acquireSupervisorLock(paths: StatePaths): ProcessIdentity | undefined {
  mkdirSync(paths.run, { recursive: true });
  const identity = identityOf(process.pid);
  if (identity === undefined) throw new Error('the start time of this process cannot be read');
  const lock = join(paths.run, `${NAME}.id`);
  const mine = join(paths.run, `${NAME}.${process.pid}.new`);
  writeFileSync(mine, JSON.stringify(identity), { mode: 0o600 });
  try {
    // Of two links to one name the second fails, whatever the timing.
    for (let attempt = 0; attempt < 10; attempt += 1) {
      try {
        linkSync(mine, lock);
        writePidFile(paths.run, NAME, process.pid);
        return undefined;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      }
      const holder = runningSupervisor(paths);
      if (holder !== undefined) return holder.pid === process.pid ? undefined : holder;
      rmSync(lock, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
  throw new Error(`${lock} cannot be taken`);
}

/** Gives the lock up, if this process holds it. */
export function releaseSupervisorLock(paths: StatePaths): void {
  if (runningSupervisor(paths)?.pid === process.pid) removePidFile(paths.run, NAME);
}

export interface SandboxAddresses {
  readonly baseUrl: string;
  readonly temporalUiUrl: string | null;
  readonly codecUrl: string;
  readonly credentialsFile: string;
  readonly logsDir: string;
}

const addressesFile = (paths: StatePaths): string => join(paths.run, 'addresses.json');

/** Where the running sandbox is found, for a second start, whose own variables may differ. */
export function writeAddresses(paths: StatePaths, addresses: SandboxAddresses): void {
  writeFileSync(addressesFile(paths), JSON.stringify(addresses), { mode: 0o644 });
}

export function readAddresses(paths: StatePaths): SandboxAddresses | undefined {
  try {
    return JSON.parse(readFileSync(addressesFile(paths), 'utf8')) as SandboxAddresses;
  } catch (error) {
    // Not written yet, or being written at this moment.
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error && error.code === 'ENOENT')) return undefined;
    throw error;
  }
}

export function forgetAddresses(paths: StatePaths): void {
  rmSync(addressesFile(paths), { force: true });
}
