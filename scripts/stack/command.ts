import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, writeSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { openLog, tailLog } from './log-file.ts';
import { oneLine, UserError } from '../command-line/user-error.ts';

/** The first executable of that name on the PATH or in `extraDirs`, or undefined. */
export function findExecutable(name: string, extraDirs: readonly string[] = []): string | undefined {
  const dirs = [...(process.env['PATH'] ?? '').split(delimiter).filter((dir) => dir !== ''), ...extraDirs];
  for (const dir of dirs) {
    const path = join(dir, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }
  return undefined;
}

export interface CommandOptions {
  readonly logFile: string;
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** What a person should do when it fails; ends the error line. */
  readonly advice: string;
}

const running = new Set<number>();
let interrupted = false;

/** Ends installs that are under way, and lets none begin: they are process groups of their own and would outlive a Ctrl-C. */
export function killRunningCommands(): void {
  interrupted = true;
  for (const pid of running) {
    try {
      process.kill(-pid, 'SIGTERM');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

/**
 * Runs an install or set-up command with its output in `logFile`, never on the terminal.
 * Throws UserError with the advice when it cannot start, fails, or outlives its time.
 */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<void> {
  if (interrupted) throw new UserError(`${command} was not run, as everything is being stopped.`);
  const log = openLog(options.logFile);
  try {
    writeSync(log, `$ ${[command, ...args].join(' ')}\n`);
    const child = spawn(command, args, {
      env: options.env ?? process.env,
      cwd: options.cwd,
      stdio: ['ignore', log, log],
      detached: true,
    });
    const pid = child.pid;
    if (pid !== undefined) running.add(pid);
    const timer = setTimeout(() => pid !== undefined && process.kill(-pid, 'SIGKILL'), options.timeoutMs);
    const failure = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(oneLine(error)));
      child.once('exit', (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`));
    });
    clearTimeout(timer);
    if (pid !== undefined) running.delete(pid);
    if (failure === undefined) return;
    const lastLine = tailLog(options.logFile, 1);
    throw new UserError(`${command} ${failure} (${lastLine}): ${options.advice}`, { logFile: options.logFile });
  } finally {
    closeSync(log);
  }
}
