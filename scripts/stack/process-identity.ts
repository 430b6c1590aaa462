import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A pid alone is no proof: after a crash it may belong to a stranger. The moment a process started, together with its
 * pid, names one process only.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

/** When the process started, in the kernel's own words; undefined where there is no such (living) process. */
function processStart(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const file = `/proc/${pid}/stat`;
    let stat: string;
    try {
      stat = readFileSync(file, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined;
      throw error;
    }
    // The command's name (second field) may hold spaces and brackets: count from its end. State is field 3, start 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${fields[19]}`;
  }
  const listed = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return listed.status === 0 && listed.stdout.trim() !== '' ? listed.stdout.trim() : undefined;
}

export function identityOf(pid: number): ProcessIdentity | undefined {
  const startedAt = processStart(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isSameProcess(identity: ProcessIdentity): boolean {
  return processStart(identity.pid) === identity.startedAt;
}

/** Writes `<name>.pid` (the bare pid, for people and tests) and `<name>.id` (pid and start, for us). */
export function writePidFile(runDir: string, name: string, pid: number): void {
  mkdirSync(runDir, { recursive: true });
  const identity = identityOf(pid);
  if (identity === undefined) return;
  writeFileSync(join(runDir, `${name}.id`), JSON.stringify(identity), { mode: 0o600 });
  writeFileSync(join(runDir, `${name}.pid`), `${pid}\n`, { mode: 0o644 });
}

export function removePidFile(runDir: string, name: string): void {
  rmSync(join(runDir, `${name}.pid`), { force: true });
  rmSync(join(runDir, `${name}.id`), { force: true });
}

/** The process a pid file names, if that very process still lives. */
export function readPidFile(runDir: string, name: string): ProcessIdentity | undefined {
  const file = join(runDir, `${name}.id`);
  if (!existsSync(file)) return undefined;
  const identity = parseIdentity(readFileSync(file, 'utf8'));
  return identity !== undefined && isSameProcess(identity) ? identity : undefined;
}

// A file torn by a power cut names nobody.
function parseIdentity(text: string): ProcessIdentity | undefined {
  const match = /^\{"pid":(\d+),"startedAt":"([^"]+)"\}$/.exec(text.trim());
  return match?.[1] === undefined || match[2] === undefined ? undefined : { pid: Number(match[1]), startedAt: match[2] };
}

/** Sends a signal to exactly that process; false where it has ended already. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isSameProcess(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

/** SIGTERM, a bounded wait, then SIGKILL. Resolves to how it ended; returns at once where the process has gone. */
export async function endProcess(identity: ProcessIdentity, timeoutMs: number): Promise<'gone' | 'ended' | 'killed'> {
  if (!signalProcess(identity, 'SIGTERM')) return 'gone';
  const deadline = Date.now() + timeoutMs;
  while (isSameProcess(identity)) {
    if (Date.now() > deadline) {
      signalProcess(identity, 'SIGKILL');
      while (isSameProcess(identity)) await sleep(20);
      return 'killed';
    }
    await sleep(50);
  }
  return 'ended';
}
