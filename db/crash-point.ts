import { existsSync, openSync, readFileSync, renameSync, writeSync, fsyncSync, closeSync } from 'node:fs';
import { join } from 'node:path';

/** The moments right after a durable effect, where a crash must cost nothing. */
export const CRASH_POINTS = ['row-committed', 'funds-reserved', 'nonce-reserved', 'bytes-committed', 'sent', 'receipt-seen', 'settled'] as const;
export type CrashPointName = (typeof CRASH_POINTS)[number];

/** Called at each crash point. Does nothing in production. */
export type CrashPoint = (name: CrashPointName) => void;

/**
 * A crash point that kills this very process with SIGKILL. Armed by a file `<folder>/<name>` holding how many hits to let
 * pass; firing renames it to `<name>.fired`, so that the restarted process lives. Without CRASH_POINT_DIR: no effect.
 */
export function crashPointFrom(env: NodeJS.ProcessEnv): CrashPoint {
  const folder = env['CRASH_POINT_DIR'];
  if (!folder) return () => undefined;
  const hits = new Map<CrashPointName, number>();
  return (name) => {
    const armed = join(folder, name);
    if (!existsSync(armed)) return;
    const hit = (hits.get(name) ?? 0) + 1;
    hits.set(name, hit);
    if (hit <= Number(readFileSync(armed, 'utf8'))) return;
    const file = openSync(armed, 'w');
    writeSync(file, `${process.pid}`);
    fsyncSync(file);
    closeSync(file);
    renameSync(armed, `${armed}.fired`);
    process.kill(process.pid, 'SIGKILL');
  };
}
