import { and, asc, eq, gt, inArray, isNotNull, lt, notInArray } from 'drizzle-orm';
import { END_STATUSES } from '../../../domain/status.ts';
import { startOf, type WithdrawalStart } from '../../../domain/withdrawal-start.ts';
import type { Queryable } from '../../client.ts';
import { idempotencyKeys, outbox, withdrawalRequests } from '../../schema/index.ts';

/** What starting the workflows of these requests takes, leaving out those that have ended. */
export async function getStarts(queryable: Queryable, requestIds: readonly string[]): Promise<WithdrawalStart[]> {
  if (requestIds.length === 0) return [];
  const rows = await queryable
    .select({ request: withdrawalRequests, key: idempotencyKeys })
    .from(withdrawalRequests)
    .innerJoin(idempotencyKeys, and(eq(idempotencyKeys.ownerId, withdrawalRequests.ownerId), eq(idempotencyKeys.requestId, withdrawalRequests.requestId)))
    .where(and(inArray(withdrawalRequests.requestId, [...requestIds]), notInArray(withdrawalRequests.status, [...END_STATUSES])));
  return rows.map(({ request, key }) => startOf({ ...request, keyHash: key.keyHash, bodyHash: key.bodyHash }));
}

/**
 * Requests that have not ended and whose workflow was started before `dispatchedBefore`, in the order of their ids, after
 * the id `after` (empty: from the first): one turn of a round over all of them.
 */
export async function listUnended(queryable: Queryable, after: string, dispatchedBefore: Date, limit: number): Promise<string[]> {
  const rows = await queryable
    .select({ requestId: withdrawalRequests.requestId })
    .from(withdrawalRequests)
    .innerJoin(outbox, eq(outbox.requestId, withdrawalRequests.requestId))
    .where(and(gt(withdrawalRequests.requestId, after), notInArray(withdrawalRequests.status, [...END_STATUSES]), isNotNull(outbox.dispatchedAt), lt(outbox.dispatchedAt, dispatchedBefore)))
    .orderBy(asc(withdrawalRequests.requestId))
    .limit(limit);
  return rows.map(({ requestId }) => requestId);
}
