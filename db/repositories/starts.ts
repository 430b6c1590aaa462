import { and, eq, inArray, notInArray } from 'drizzle-orm';
import { END_STATUSES } from '../../domain/status.ts';
import type { Queryable } from '../client.ts';
import { idempotencyKeys, withdrawalRequests } from '../schema/index.ts';
import type { WaitingStart } from './outbox.ts';

/** What starting the workflows of these requests takes, leaving out those that have ended. */
export async function getStarts(queryable: Queryable, requestIds: readonly string[]): Promise<Omit<WaitingStart, 'acceptedAt'>[]> {
  if (requestIds.length === 0) return [];
  return queryable
    .select({
      requestId: withdrawalRequests.requestId,
      correlationId: withdrawalRequests.correlationId,
      currency: withdrawalRequests.currency,
      ownerId: withdrawalRequests.ownerId,
      idempotencyKeyHash: idempotencyKeys.keyHash,
    })
    .from(withdrawalRequests)
    .innerJoin(idempotencyKeys, and(eq(idempotencyKeys.ownerId, withdrawalRequests.ownerId), eq(idempotencyKeys.requestId, withdrawalRequests.requestId)))
    .where(and(inArray(withdrawalRequests.requestId, [...requestIds]), notInArray(withdrawalRequests.status, [...END_STATUSES])));
}
