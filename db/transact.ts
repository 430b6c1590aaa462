import type { Database, Transaction } from './client.ts';

const ATTEMPTS_MAX = 5;
/** ER_LOCK_DEADLOCK, ER_LOCK_WAIT_TIMEOUT: the server undid the whole transaction (or statement), so running it again is safe. */
const RETRYABLE_ERRNO = new Set([1213, 1205]);

function errnoOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('errno' in error && typeof error.errno === 'number') return error.errno;
  return errnoOf(error.cause);
}

/** True when a unique key refused an insert. */
export function isDuplicateKey(error: unknown): boolean {
  return errnoOf(error) === 1062;
}

/**
 * Runs `work` in one transaction, again when the server chose it as a deadlock victim. An error while committing is
 * passed on: the outcome is unknown then, and only the caller, who reads first, may run it again.
 */
export async function transact<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction(work);
    } catch (error) {
      if (attempt >= ATTEMPTS_MAX || !RETRYABLE_ERRNO.has(errnoOf(error) ?? 0)) throw error;
    }
  }
}
