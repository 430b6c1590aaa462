import { and, asc, eq, getTableColumns, gt, gte, inArray, min } from 'drizzle-orm';
import type { Queryable } from '../../client.ts';
import { policyDecisions, signedTransactions, withdrawalRequests } from '../../schema/index.ts';

/** The first paying attempt on a nonce, with the withdrawal and the decision it was signed by. */
export interface SignedPayment {
  attemptId: number;
  requestId: string;
  /** null where somebody deleted it */
  request: typeof withdrawalRequests.$inferSelect | null;
  /** null where a recovery rebuilt the withdrawal, or somebody deleted it */
  decision: typeof policyDecisions.$inferSelect | null;
}

/** Paying attempts behind one, oldest first, `limit` at most. Along the primary key. */
export async function listSignedPayments(queryable: Queryable, chainId: number, afterId: number, limit: number): Promise<SignedPayment[]> {
  return queryable
    .select({ attemptId: signedTransactions.id, requestId: signedTransactions.requestId, request: getTableColumns(withdrawalRequests), decision: getTableColumns(policyDecisions) })
    .from(signedTransactions)
    .leftJoin(withdrawalRequests, eq(withdrawalRequests.requestId, signedTransactions.requestId))
    .leftJoin(policyDecisions, eq(policyDecisions.requestId, signedTransactions.requestId))
    .where(and(gt(signedTransactions.id, afterId), eq(signedTransactions.chainId, chainId), eq(signedTransactions.purpose, 'PAY'), eq(signedTransactions.ordinal, 0)))
    .orderBy(asc(signedTransactions.id))
    .limit(limit);
}

/** Which withdrawals have a paying attempt behind one: what `listSignedPayments` gives, without its rows. */
export async function listSignedIds(queryable: Queryable, chainId: number, afterId: number): Promise<{ attemptId: number; requestId: string }[]> {
  return queryable
    .select({ attemptId: signedTransactions.id, requestId: signedTransactions.requestId })
    .from(signedTransactions)
    .where(and(gt(signedTransactions.id, afterId), eq(signedTransactions.chainId, chainId), eq(signedTransactions.purpose, 'PAY'), eq(signedTransactions.ordinal, 0)))
    .orderBy(asc(signedTransactions.id));
}

/** The first attempt for withdrawals accepted at `since` or later, by the time in their ids; null where there is none. */
export async function findFirstAttemptSince(queryable: Queryable, since: Date): Promise<number | null> {
  const [row] = await queryable
    .select({ id: min(signedTransactions.id) })
    .from(signedTransactions)
    .where(gte(signedTransactions.requestId, `tx-${since.getTime()}`));
  return row?.id ?? null;
}

/** Those of some withdrawals that have ended without being paid. */
export async function listUnpaid(queryable: Queryable, requestIds: readonly string[]): Promise<string[]> {
  if (requestIds.length === 0) return [];
  const rows = await queryable
    .select({ requestId: withdrawalRequests.requestId })
    .from(withdrawalRequests)
    .where(and(inArray(withdrawalRequests.requestId, [...requestIds]), inArray(withdrawalRequests.status, ['FAILED', 'REJECTED', 'CANCELLED'])));
  return rows.map(({ requestId }) => requestId);
}
