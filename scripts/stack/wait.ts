import { setTimeout as sleep } from 'node:timers/promises';

export interface PollOptions {
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  /** Ends the wait early by throwing; asked before every try. */
  readonly giveUp?: () => void;
}

/**
 * Tries `probe` until it succeeds; its last error is the cause when the time is over. A probe must bound itself:
 * this only bounds the tries.
 */
export async function pollUntilReady(what: string, probe: () => Promise<void>, options: PollOptions): Promise<void> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    options.giveUp?.();
    try {
      await probe();
      return;
    } catch (error) {
      if (Date.now() >= deadline) {
        throw new Error(`${what} did not get ready within ${Math.round(options.timeoutMs / 1000)} s`, { cause: error });
      }
    }
    await sleep(options.intervalMs ?? 100);
  }
}
