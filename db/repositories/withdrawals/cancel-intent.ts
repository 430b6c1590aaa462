import { and, asc, eq, gt, isNull, lt, notInArray } from 'drizzle-orm';
import { END_STATUSES, isEnd, type WithdrawalStatus } from '../../../domain/status.ts';
import type { Database, Queryable } from '../../client.ts';
import { withdrawalRequests } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { appendEvent } from './events.ts';
import type { Visibility } from './read-withdrawals.ts';
import { isClaimedPaid, type WithdrawalRow } from './withdrawals.ts';

/** Seen in a block: what pays is on the chain already, and a transaction on the same nonce comes too late. */
const MINED: readonly WithdrawalStatus[] = ['CONFIRMING'];

export type Cancellation =
  | { kind: 'intended'; row: WithdrawalRow }
  | { kind: 'not-found' }
  | { kind: 'refused'; reason: 'ended' | 'payment-mined' | 'paid-by-hand'; status: WithdrawalStatus };

/**
 * Commits the intent to cancel, holding the request's row: the signer takes the same lock before it commits bytes, so
 * from here on no paying attempt is committed any more. Before anything was signed that is the end of it; afterwards a
 * transaction that pays nothing is sent on the same nonce, and the chain rules. Refused once the payment was seen in a
 * block. Called again while the withdrawal has not ended, it changes nothing and answers the same.
 */
export async function commitCancelIntent(db: Database, requestId: string, visibility: Visibility, now: Date): Promise<Cancellation> {
  return transact(db, async (tx): Promise<Cancellation> => {
    const owned = visibility === 'all' ? undefined : eq(withdrawalRequests.ownerId, visibility.ownerId);
    const [row] = await tx.select().from(withdrawalRequests).where(and(eq(withdrawalRequests.requestId, requestId), owned)).limit(1).for('update');
    if (!row) return { kind: 'not-found' };
    if (isEnd(row.status)) return { kind: 'refused', reason: 'ended', status: row.status };
    if (row.paidTxHash !== null || MINED.includes(row.status)) return { kind: 'refused', reason: 'payment-mined', status: row.status };
    // A person says it was paid: until the chain has answered, calling it unpaid could have it refunded as well.
    if (isClaimedPaid(row)) return { kind: 'refused', reason: 'paid-by-hand', status: row.status };
    if (row.cancelIntentAt !== null) return { kind: 'intended', row };
    await tx.update(withdrawalRequests).set({ cancelIntentAt: now, updatedAt: now }).where(eq(withdrawalRequests.requestId, requestId));
    await appendEvent(tx, { requestId, type: 'cancel-requested' });
    return { kind: 'intended', row: { ...row, cancelIntentAt: now, updatedAt: now } };
  });
}

export interface OpenCancelIntent {
  requestId: string;
  intendedAt: Date;
}

/**
 * A page of the requests behind `after` whose cancel intent stands since before `intendedBefore`, that have neither ended nor moved money: their
 * workflow may not have heard of it. By request id.
 */
export async function listOpenCancelIntents(queryable: Queryable, intendedBefore: Date, after: string, limit: number): Promise<OpenCancelIntent[]> {
  const rows = await queryable
    .select({ requestId: withdrawalRequests.requestId, intendedAt: withdrawalRequests.cancelIntentAt })
    .from(withdrawalRequests)
    .where(and(gt(withdrawalRequests.requestId, after), lt(withdrawalRequests.cancelIntentAt, intendedBefore), isNull(withdrawalRequests.paidTxHash), notInArray(withdrawalRequests.status, [...END_STATUSES])))
    .orderBy(asc(withdrawalRequests.requestId))
    .limit(limit);
  return rows.flatMap(({ requestId, intendedAt }) => (intendedAt === null ? [] : [{ requestId, intendedAt }]));
}
