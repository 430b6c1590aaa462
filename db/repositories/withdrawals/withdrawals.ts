import { and, eq, inArray } from 'drizzle-orm';
import { EngineError } from '../../../domain/errors.ts';
import { isEnd, predecessorsOf, type WithdrawalStatus } from '../../../domain/status.ts';
import type { Queryable, Transaction } from '../../client.ts';
import { withdrawalRequests } from '../../schema/index.ts';
import { resolveAlert } from '../operations/alerts.ts';
import { resolveDeadLetter } from '../operations/dead-letters.ts';
import { appendEvent } from './events.ts';
import { returnLimits } from '../policy/limits.ts';

export type WithdrawalRow = typeof withdrawalRequests.$inferSelect;
type Changes = Partial<Pick<WithdrawalRow, 'walletAddress' | 'txHash' | 'hasLivePayment' | 'errorCode' | 'errorMessage' | 'paidTxHash' | 'paidLogIndex' | 'completedAt'>>;

/** True while a person's word that it was paid by hand stands, and the chain has not answered yet. */
export function isClaimedPaid({ status, errorCode }: Pick<WithdrawalRow, 'status' | 'errorCode'>): boolean {
  return status === 'DEAD_LETTERED' && errorCode === 'PAID_BY_HAND';
}

/** The request. Its workflow is started after its row was committed, so a workflow without a row means a database that forgot: `BOOKS_BEHIND`. */
export async function getWithdrawal(queryable: Queryable, requestId: string): Promise<WithdrawalRow> {
  const [row] = await queryable.select().from(withdrawalRequests).where(eq(withdrawalRequests.requestId, requestId));
  if (!row) throw new EngineError('BOOKS_BEHIND', { requestId });
  return row;
}

/** The request with its row held until the transaction ends: whoever decides on its money decides here, one at a time. */
export async function lockWithdrawal(tx: Transaction, requestId: string): Promise<WithdrawalRow> {
  const [row] = await tx.select().from(withdrawalRequests).where(eq(withdrawalRequests.requestId, requestId)).for('update');
  if (!row) throw new EngineError('BOOKS_BEHIND', { requestId });
  return row;
}

/**
 * Moves a withdrawal to `to` by compare-and-set and appends the event, in the caller's transaction. Called twice, the
 * second call finds the status in place and writes nothing.
 * @returns false when it stood there already, or stands where `to` may not follow
 */
export async function moveTo(tx: Transaction, requestId: string, to: WithdrawalStatus, event: string, options: { set?: Changes; detail?: Record<string, string | number | null> } = {}): Promise<boolean> {
  const [result] = await tx
    .update(withdrawalRequests)
    .set({ ...options.set, status: to, updatedAt: new Date() })
    .where(and(eq(withdrawalRequests.requestId, requestId), inArray(withdrawalRequests.status, [...predecessorsOf(to)])));
  if (result.affectedRows === 0) return false;
  // An end answers what a person was called for.
  if (isEnd(to)) {
    await resolveCalls(tx, requestId);
    await resolveDeadLetter(tx, requestId, to);
    // What was not paid, and never will be, counts against no limit.
    if (to !== 'COMPLETED') await returnLimits(tx, requestId);
  }
  await appendEvent(tx, { requestId, type: event, status: to, ...(options.detail && { detail: options.detail }) });
  return true;
}

/** Closes what a person was called for while it was parked. Called twice: it stays closed. */
export async function resolveCalls(tx: Transaction, requestId: string): Promise<void> {
  await resolveAlert(tx, 'WITHDRAWAL_PARKED', requestId);
  await resolveAlert(tx, 'DEAD_LETTER_ESCALATED', requestId);
}

/** Changes columns that are not the status. Called twice: the same values again. */
export async function setWithdrawal(tx: Transaction, requestId: string, set: Changes): Promise<void> {
  await tx.update(withdrawalRequests).set({ ...set, updatedAt: new Date() }).where(eq(withdrawalRequests.requestId, requestId));
}
