import { and, eq, isNull } from 'drizzle-orm';
import { approvalHolds, sealApproval, tallyApprovals, whyNotApprover, type ApprovalDecision } from '../../../domain/approvals.ts';
import { EngineError } from '../../../domain/errors.ts';
import { isEnd, type WithdrawalStatus } from '../../../domain/status.ts';
import type { Database, Transaction } from '../../client.ts';
import { approvals, withdrawalRequests } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { listApprovals, type ApprovalRow } from './approvals.ts';
import { appendEvent } from '../withdrawals/events.ts';
import { findDecision } from './policy-decisions.ts';
import { lockWithdrawal, type WithdrawalRow } from '../withdrawals/withdrawals.ts';

/** One person's word on one withdrawal. */
export interface Word {
  requestId: string;
  approverId: number;
  decision: ApprovalDecision;
  /** why it is rejected; null for an approval */
  reason: string | null;
}

/** Why a word is not taken. */
export type WordRefusal =
  | 'ended'
  | 'not-awaiting-approval'
  | 'cancel-requested'
  /** the same person said the opposite before */
  | 'decided-otherwise'
  /** enough others have approved, or one has rejected it: nothing is left to decide */
  | 'decided'
  | 'deadline-passed'
  | 'requester'
  | 'not-an-approver';

export type RecordedWord =
  | { kind: 'recorded'; approval: ApprovalRow; isNew: boolean }
  | { kind: 'not-found' }
  | { kind: 'refused'; reason: WordRefusal; status: WithdrawalStatus };

/**
 * Writes down what a person says of a withdrawal that waits for approval, sealed, holding the request's row: words, the
 * tally and a cancellation come one after the other, so that exactly as many take effect as are asked for.
 *
 * Called twice with the same word: the first stands, whatever has come of it since, and nothing is written. Dies in the
 * middle: nothing was written. The unique key refuses a second word of one person. Throws `SEAL_BROKEN` for an earlier word
 * that the API never gave.
 */
export async function recordWord(db: Database, sealKey: Uint8Array, word: Word): Promise<RecordedWord> {
  const { requestId, approverId, decision, reason } = word;
  return transact(db, async (tx): Promise<RecordedWord> => {
    const [request] = await tx.select().from(withdrawalRequests).where(eq(withdrawalRequests.requestId, requestId)).for('update');
    if (!request) return { kind: 'not-found' };
    // Read while the row is held: who waited for it past the deadline is too late.
    const now = new Date();
    const given = await listApprovals(tx, requestId);
    const own = given.find((earlier) => earlier.approverId === approverId);
    if (own?.decision === decision) {
      if (!approvalHolds(sealKey, own, request)) throw new EngineError('SEAL_BROKEN', { requestId, row: 'approval' });
      return { kind: 'recorded', approval: own, isNew: false };
    }
    const refusal = own ? 'decided-otherwise' : await whyRefused(tx, request, given, approverId, now);
    if (refusal) return { kind: 'refused', reason: refusal, status: request.status };

    const approval = { requestId, approverId, decision, reason, createdAt: now, seal: sealApproval(sealKey, { decision, approverId }, request) };
    const [{ insertId }] = await tx.insert(approvals).values(approval);
    // The timeline is the owner's to read: it names nobody.
    await appendEvent(tx, { requestId, type: decision === 'APPROVE' ? 'approved by a person' : 'rejected by a person' });
    return { kind: 'recorded', approval: { ...approval, id: insertId, toldAt: null, usedAt: null }, isNew: true };
  });
}

async function whyRefused(tx: Transaction, request: WithdrawalRow, given: readonly ApprovalRow[], approverId: number, now: Date): Promise<WordRefusal | null> {
  if (isEnd(request.status)) return 'ended';
  const decision = await findDecision(tx, request.requestId);
  if (request.status !== 'AWAITING_APPROVAL' || !decision) return 'not-awaiting-approval';
  if (request.cancelIntentAt !== null) return 'cancel-requested';
  const terms = { required: decision.approvalsRequired, approvers: decision.approvers, requesterId: request.ownerId };
  const whyNot = whyNotApprover(approverId, terms);
  if (whyNot) return whyNot;
  // Its workflow may not have counted yet what is decided already.
  if (tallyApprovals(given, terms, false).kind !== 'waiting') return 'decided';
  return decision.approvalDeadline !== null && now >= decision.approvalDeadline ? 'deadline-passed' : null;
}

/**
 * Takes back a word that its workflow would not hear any more: it came after the deadline, by the worker's clock. Holding
 * the request's row, as the tally does. Called twice: it is gone.
 * @returns false when it took effect after all, and stands
 */
export async function takeBackWord(db: Database, { id, requestId }: Pick<ApprovalRow, 'id' | 'requestId'>): Promise<boolean> {
  return transact(db, async (tx) => {
    await lockWithdrawal(tx, requestId);
    const [deleted] = await tx.delete(approvals).where(and(eq(approvals.id, id), isNull(approvals.usedAt)));
    if (deleted.affectedRows === 1) {
      await appendEvent(tx, { requestId, type: 'came too late: not counted' });
      return true;
    }
    return (await tx.$count(approvals, eq(approvals.id, id))) === 0;
  });
}
