import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildSpec } from './child-spec.ts';
import { openLog, tailLog } from './log-file.ts';
import type { StatePaths } from './paths.ts';
import { roleCommand } from './privileges.ts';
import { endProcess, identityOf, readPidFile, removePidFile, writePidFile, type ProcessIdentity } from './process-identity.ts';
import { oneLine, UserError } from '../command-line/user-error.ts';
import { pollUntilReady } from './wait.ts';

const BACK_OFF_FIRST_MS = 200;
const BACK_OFF_MAX_MS = 3_000;
/** A child that ran this long starts again at the shortest back-off. */
const STABLE_AFTER_MS = 30_000;

export type Log = (level: 'INFO' | 'WARN' | 'ERROR', message: string, error?: unknown) => void;

/** How long a crashed child waits before its next start: 0.2 s, doubled each time, 3 s at most. */
export function backOffMs(crashesInARow: number): number {
  return Math.min(BACK_OFF_FIRST_MS * 2 ** Math.max(0, crashesInARow - 1), BACK_OFF_MAX_MS);
}

interface Running {
  readonly identity: ProcessIdentity | undefined;
  readonly startedAtMs: number;
  readonly ended: Promise<string>;
  readonly hasEnded: () => boolean;
}

interface Managed {
  readonly spec: ChildSpec;
  readonly logFile: string;
  running: Running | undefined;
  exitsBeforeReady: number;
  crashesInARow: number;
  wasReady: boolean;
  stopping: boolean;
  failure: UserError | undefined;
  /** Settles when the child is stopped for good. */
  loop: Promise<void>;
}

/** Runs children, starts crashed ones again, and stops all of them in the reverse of the order they came. */
export class Supervisor {
  readonly #paths: StatePaths;
  readonly #log: Log;
  readonly #children: Managed[] = [];
  readonly #stopped = new AbortController();

  constructor(paths: StatePaths, log: Log) {
    this.#paths = paths;
    this.#log = log;
    mkdirSync(paths.run, { recursive: true });
    mkdirSync(paths.logs, { recursive: true });
  }

  /**
   * Starts a child and keeps it running until `stop`. Resolves when it is ready for the first time; throws UserError,
   * with the log to look at, when it ends or stays silent instead.
   */
  async start(spec: ChildSpec): Promise<void> {
    if (this.#stopped.signal.aborted) throw new UserError(`${spec.name} was not started, as everything is being stopped.`);
    const child: Managed = {
      spec,
      logFile: join(this.#paths.logs, `${spec.name}.log`),
      running: undefined,
      exitsBeforeReady: 0,
      crashesInARow: 0,
      wasReady: false,
      stopping: false,
      failure: undefined,
      loop: Promise.resolve(),
    };
    this.#children.push(child);
    child.loop = this.#keepRunning(child);
    const giveUp = (): void => {
      if (child.failure !== undefined) throw child.failure;
      if (child.stopping) throw new UserError(`${spec.name} was stopped before it was ready.`);
    };
    const deadline = Date.now() + spec.readyTimeoutMs;
    while (!child.wasReady) {
      giveUp();
      if (Date.now() > deadline) {
        child.stopping = true;
        throw this.#failed(child, `did not get ready within ${spec.readyTimeoutMs / 1000} s`);
      }
      await sleep(50);
    }
  }

  /** Roles first, then infrastructure, each group at the same time; SIGTERM, a bounded wait, SIGKILL. */
  async stop(groups: readonly (readonly string[])[]): Promise<void> {
    this.#stopped.abort();
    for (const child of this.#children) child.stopping = true;
    for (const group of groups) {
      await Promise.all(this.#children.filter(({ spec }) => group.includes(spec.name)).map(async (child) => await this.#stopOne(child)));
    }
    await Promise.all(this.#children.map(async (child) => await this.#stopOne(child)));
  }

  async #stopOne(child: Managed): Promise<void> {
    const identity = child.running?.identity;
    if (identity !== undefined) {
      const how = await endProcess(identity, child.spec.stopTimeoutMs);
      if (how === 'killed') this.#log('WARN', `${child.spec.name} did not stop within ${child.spec.stopTimeoutMs / 1000} s and was killed`);
    }
    await child.loop;
  }

  async #keepRunning(child: Managed): Promise<void> {
    const { spec } = child;
    while (!child.stopping) {
      try {
        await spec.beforeStart?.();
      } catch (error) {
        this.#log('ERROR', `${spec.name} could not be prepared`, error);
        if (!child.wasReady) {
          child.failure = error instanceof UserError ? error : this.#failed(child, `could not be prepared: ${oneLine(error)}`, error);
          return;
        }
      }
      if (child.stopping) return;
      const running = this.#spawn(child);
      child.running = running;
      const watch = this.#watchReadiness(child, running);
      const how = await running.ended;
      child.running = undefined;
      await watch;
      removePidFile(this.#paths.run, spec.name);
      if (child.stopping) {
        this.#log('INFO', `${spec.name} stopped`);
        return;
      }
      if (!child.wasReady) {
        child.exitsBeforeReady += 1;
        if (child.exitsBeforeReady >= spec.exitsBeforeReadyMax) {
          child.failure = this.#failed(child, how);
          return;
        }
      }
      child.crashesInARow = Date.now() - running.startedAtMs >= STABLE_AFTER_MS ? 1 : child.crashesInARow + 1;
      const waitMs = backOffMs(child.crashesInARow);
      this.#log('WARN', `${spec.name} ${how}; starting it again in ${waitMs} ms (restart ${child.crashesInARow} in a row)`);
      // Ends early, without an error, when everything is stopped.
      await sleep(waitMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
    }
  }

  #spawn(child: Managed): Running {
    const { spec } = child;
    const { command, args } = roleCommand(spec.name, spec.command, spec.args);
    const log = openLog(child.logFile);
    // A session of its own: Ctrl-C at the terminal reaches the supervisor alone, which stops children in order.
    const process = spawn(command, args, { cwd: spec.cwd, env: { ...spec.env() }, stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    let over = false;
    const ended = new Promise<string>((resolve) => {
      const finish = (how: string): void => {
        over = true;
        resolve(how);
      };
      process.once('error', (error) => finish(`could not be run: ${oneLine(error)}`));
      process.once('exit', (code, signal) => finish(signal === null ? `ended with code ${code}` : `was ended by ${signal}`));
    });
    if (process.pid !== undefined) writePidFile(this.#paths.run, spec.name, process.pid);
    const identity = process.pid === undefined ? undefined : identityOf(process.pid);
    return { identity, startedAtMs: Date.now(), ended, hasEnded: () => over };
  }

  async #watchReadiness(child: Managed, running: Running): Promise<void> {
    const { spec } = child;
    try {
      await pollUntilReady(spec.name, spec.probe, {
        timeoutMs: spec.readyTimeoutMs,
        giveUp: () => {
          if (running.hasEnded() || child.stopping) throw new UserError(`${spec.name} ended before it was ready`);
        },
      });
      await spec.afterReady?.();
      // A probe that another program on the same port answered proves nothing.
      if (running.hasEnded()) return;
      this.#log('INFO', `${spec.name} is ready after ${Date.now() - running.startedAtMs} ms (pid ${running.identity?.pid ?? 'unknown'})`);
      child.wasReady = true;
    } catch (error) {
      if (running.hasEnded() || child.stopping) return;
      this.#log('ERROR', `${spec.name} runs, but is not ready`, error);
      if (child.wasReady && running.identity !== undefined) await endProcess(running.identity, spec.stopTimeoutMs);
      else if (!child.wasReady) child.failure = this.#failed(child, `runs, but does not get ready (${oneLine(error)})`, error);
    }
  }

  #failed(child: Managed, what: string, cause?: unknown): UserError {
    const lines = tailLog(child.logFile);
    const message = `${child.spec.name} ${what}. See ${child.logFile}${lines === '' ? '.' : `, which ends:\n${lines.replaceAll(/^/gm, '    ')}`}`;
    return new UserError(message, { logFile: child.logFile, cause });
  }
}

/**
 * Stops what an earlier supervisor left behind when it was killed: every process that a pid file names, if it is still
 * that very process. Returns the names of those it stopped.
 */
export async function stopLeftovers(paths: StatePaths, order: readonly (readonly string[])[]): Promise<string[]> {
  if (!existsSync(paths.run)) return [];
  const names = readdirSync(paths.run).flatMap((file) => (file.endsWith('.id') && file !== 'supervisor.id' ? [file.slice(0, -'.id'.length)] : []));
  const stopped: string[] = [];
  const stopOne = async (name: string): Promise<void> => {
    const identity = readPidFile(paths.run, name);
    if (identity !== undefined) {
      // The longest time any child is given for a clean stop (the database's).
      await endProcess(identity, 30_000);
      stopped.push(name);
    }
    removePidFile(paths.run, name);
  };
  for (const group of order) await Promise.all(names.filter((name) => group.includes(name)).map(stopOne));
  await Promise.all(names.filter((name) => !order.flat().includes(name)).map(stopOne));
  return stopped;
}
