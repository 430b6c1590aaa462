import { asc, count, inArray, isNull, min } from 'drizzle-orm';
import { isEnd, WITHDRAWAL_STATUSES } from '../../../domain/status.ts';
import type { Queryable } from '../../client.ts';
import { deadLetters, outbox, withdrawalRequests } from '../../schema/index.ts';

/** How many wait, and since when the first of them does. */
interface Waiting {
  count: number;
  oldestAt: Date | null;
}

const OPEN_STATUSES = WITHDRAWAL_STATUSES.filter((status) => !isEnd(status));

/** Withdrawals that have not ended, by status; the cost grows with how many those are, not with all there ever were. */
export async function countOpenByStatus(db: Queryable) {
  const { status, createdAt } = withdrawalRequests;
  return db.select({ status, count: count(), oldestAt: min(createdAt) }).from(withdrawalRequests).where(inArray(status, OPEN_STATUSES)).groupBy(status);
}

/** What waits for a person, by class and code. */
export async function countOpenDeadLetters(db: Queryable) {
  const { class: errorClass, code, parkedAt, resolvedAt } = deadLetters;
  return db.select({ class: errorClass, code, count: count(), oldestAt: min(parkedAt) }).from(deadLetters).where(isNull(resolvedAt)).groupBy(errorClass, code).orderBy(asc(errorClass), asc(code));
}

/** Accepted, and its workflow not known to be started. */
export async function countNotStarted(db: Queryable): Promise<Waiting> {
  const [row] = await db.select({ count: count(), oldestAt: min(outbox.createdAt) }).from(outbox).where(isNull(outbox.dispatchedAt));
  return row ?? { count: 0, oldestAt: null };
}
