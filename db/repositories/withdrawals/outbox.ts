import { and, asc, eq, isNull, lt } from 'drizzle-orm';
import { startOf, type WithdrawalStart } from '../../../domain/withdrawal-start.ts';
import type { Queryable } from '../../client.ts';
import { idempotencyKeys, outbox, withdrawalRequests } from '../../schema/index.ts';

/** A start that nobody is known to have made. */
export interface WaitingStart extends WithdrawalStart {
  acceptedAt: Date;
}

/** Notes that the workflow was started. Called twice, the first time stays. */
export async function markDispatched(db: Queryable, requestId: string, now: Date): Promise<void> {
  await db.update(outbox).set({ dispatchedAt: now }).where(and(eq(outbox.requestId, requestId), isNull(outbox.dispatchedAt)));
}

/** Accepted before `acceptedBefore` and not known to be started, oldest first: the sweeper's work. */
export async function listWaitingStarts(db: Queryable, acceptedBefore: Date, limit: number): Promise<WaitingStart[]> {
  const rows = await db
    .select({ request: withdrawalRequests, key: idempotencyKeys, acceptedAt: outbox.createdAt })
    .from(outbox)
    .innerJoin(withdrawalRequests, eq(withdrawalRequests.requestId, outbox.requestId))
    .innerJoin(idempotencyKeys, and(eq(idempotencyKeys.ownerId, withdrawalRequests.ownerId), eq(idempotencyKeys.requestId, outbox.requestId)))
    .where(and(isNull(outbox.dispatchedAt), lt(outbox.createdAt, acceptedBefore)))
    .orderBy(asc(outbox.id))
    .limit(limit);
  return rows.map(({ request, key, acceptedAt }) => ({ ...startOf({ ...request, keyHash: key.keyHash, bodyHash: key.bodyHash }), acceptedAt }));
}
