import { and, asc, eq, isNull, lt } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { idempotencyKeys, outbox, withdrawalRequests } from '../schema/index.ts';

/** What starting a workflow takes. */
export interface WaitingStart {
  requestId: string;
  correlationId: string;
  currency: string;
  ownerId: number;
  /** SHA-256 of the idempotency key, hex */
  idempotencyKeyHash: string;
  acceptedAt: Date;
}

/** Notes that the workflow was started. Called twice, the first time stays. */
export async function markDispatched(db: Queryable, requestId: string, now: Date): Promise<void> {
  await db.update(outbox).set({ dispatchedAt: now }).where(and(eq(outbox.requestId, requestId), isNull(outbox.dispatchedAt)));
}

/** Accepted before `acceptedBefore` and not known to be started, oldest first: the sweeper's work. */
export async function listWaitingStarts(db: Queryable, acceptedBefore: Date, limit: number): Promise<WaitingStart[]> {
  return db
    .select({
      requestId: outbox.requestId,
      correlationId: withdrawalRequests.correlationId,
      currency: withdrawalRequests.currency,
      ownerId: withdrawalRequests.ownerId,
      idempotencyKeyHash: idempotencyKeys.keyHash,
      acceptedAt: outbox.createdAt,
    })
    .from(outbox)
    .innerJoin(withdrawalRequests, eq(withdrawalRequests.requestId, outbox.requestId))
    .innerJoin(idempotencyKeys, and(eq(idempotencyKeys.ownerId, withdrawalRequests.ownerId), eq(idempotencyKeys.requestId, outbox.requestId)))
    .where(and(isNull(outbox.dispatchedAt), lt(outbox.createdAt, acceptedBefore)))
    .orderBy(asc(outbox.id))
    .limit(limit);
}
