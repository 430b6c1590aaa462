import { appendFileSync, closeSync } from 'node:fs';
import { openLog } from './log-file.ts';
import type { Log } from './supervisor.ts';

/** The supervisor's own log: JSON lines like every other process's. Stack traces go here and nowhere else. */
export function supervisorLog(file: string): Log {
  closeSync(openLog(file));
  return (level, message, error) => {
    const line = {
      timestamp: new Date().toISOString(),
      correlationId: null,
      service: 'supervisor',
      level,
      message,
      ...(error === undefined ? {} : { error: describe(error) }),
    };
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.stack ?? error.message;
  return error.cause === undefined ? text : `${text}\ncaused by ${describe(error.cause)}`;
}
