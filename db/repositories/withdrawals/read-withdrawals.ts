import { and, asc, desc, eq, gt, inArray, lt, lte, or } from 'drizzle-orm';
import type { WithdrawalStatus } from '../../../domain/status.ts';
import type { Queryable } from '../../client.ts';
import { signedTransactions, withdrawalEvents, withdrawalRequests } from '../../schema/index.ts';
import type { AttemptRow } from '../payments/attempts.ts';
import type { WithdrawalRow } from './withdrawals.ts';

export type EventRow = typeof withdrawalEvents.$inferSelect;

/** More than a withdrawal ever has; a bound on what one answer may carry. */
const ATTEMPTS_MAX = 500;
const EVENTS_MAX = 1_000;

/** Whose withdrawals may be seen: one owner's, or everyone's. */
export type Visibility = { ownerId: number } | 'all';

const visibleTo = (visibility: Visibility) => (visibility === 'all' ? undefined : eq(withdrawalRequests.ownerId, visibility.ownerId));

/** One withdrawal, or nothing when there is none or it is another's. */
export async function findWithdrawal(db: Queryable, requestId: string, visibility: Visibility): Promise<WithdrawalRow | undefined> {
  const [row] = await db.select().from(withdrawalRequests).where(and(eq(withdrawalRequests.requestId, requestId), visibleTo(visibility))).limit(1);
  return row;
}

/** Its signed transactions, oldest first. Read after the withdrawal, so that they are never older than its status. */
export async function listAttemptsOfRequest(db: Queryable, requestId: string): Promise<AttemptRow[]> {
  return db.select().from(signedTransactions).where(eq(signedTransactions.requestId, requestId)).orderBy(asc(signedTransactions.id)).limit(ATTEMPTS_MAX);
}

/** The signed transactions of several withdrawals, oldest first. */
export async function listAttemptsOf(db: Queryable, requestIds: readonly string[]): Promise<AttemptRow[]> {
  if (requestIds.length === 0) return [];
  return db.select().from(signedTransactions).where(inArray(signedTransactions.requestId, [...requestIds])).orderBy(asc(signedTransactions.id));
}

/** Its timeline after the event `afterId` (0: from the start), oldest first. */
export async function listEventsAfter(db: Queryable, requestId: string, afterId: number): Promise<EventRow[]> {
  return db
    .select()
    .from(withdrawalEvents)
    .where(and(eq(withdrawalEvents.requestId, requestId), gt(withdrawalEvents.id, afterId)))
    .orderBy(asc(withdrawalEvents.id))
    .limit(EVENTS_MAX);
}

/** The last withdrawal of a page; the next page starts right after it. */
export interface PagePosition {
  createdAt: Date;
  requestId: string;
}

export interface PageRequest {
  visibility: Visibility;
  status?: WithdrawalStatus | undefined;
  currency?: string | undefined;
  after?: PagePosition | undefined;
  limit: number;
}

/**
 * A page of withdrawals, newest first, by keyset: a withdrawal that arrives meanwhile moves none from one page to
 * another. `next` is null on the last page.
 */
export async function pageWithdrawals(db: Queryable, page: PageRequest): Promise<{ rows: WithdrawalRow[]; next: PagePosition | null }> {
  const { createdAt, requestId, status, currency } = withdrawalRequests;
  const found = await db
    .select()
    .from(withdrawalRequests)
    .where(
      and(
        visibleTo(page.visibility),
        page.status === undefined ? undefined : eq(status, page.status),
        page.currency === undefined ? undefined : eq(currency, page.currency),
        // The first half alone is what an index range can use.
        page.after === undefined ? undefined : and(lte(createdAt, page.after.createdAt), or(lt(createdAt, page.after.createdAt), lt(requestId, page.after.requestId))),
      ),
    )
    .orderBy(desc(createdAt), desc(requestId))
    .limit(page.limit + 1);
  const rows = found.slice(0, page.limit);
  const last = rows.at(-1);
  return { rows, next: found.length > page.limit && last ? { createdAt: last.createdAt, requestId: last.requestId } : null };
}
