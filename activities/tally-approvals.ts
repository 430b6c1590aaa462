import { tallyApprovals } from '../domain/approvals.ts';
import type { ErrorCode } from '../domain/errors.ts';
import { isEnd } from '../domain/status.ts';
import type { Database } from '../db/client.ts';
import { listApprovals, setUsed } from '../db/repositories/policy/approvals.ts';
import { awaitsApproval, findDecision, setApproved } from '../db/repositories/policy/policy-decisions.ts';
import { lockWithdrawal, moveTo } from '../db/repositories/withdrawals/withdrawals.ts';
import { transact } from '../db/transact.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';

const DAY_MS = 86_400_000;

export type ApprovalTally =
  /** enough people have approved, or nobody needs to */
  | { kind: 'approved' }
  /** ask again when somebody has said something, or after `remainingMs` */
  | { kind: 'waiting'; remainingMs: number }
  /** somebody said no, or too few said yes in time */
  | { kind: 'refused'; code: Extract<ErrorCode, 'REJECTED_BY_APPROVER' | 'APPROVAL_EXPIRED'>; reason: string };

/**
 * Counts what people have said of a withdrawal. Only rows the API wrote count, whatever signals say: a forged one, or one
 * that a reset applies again, finds nothing new here. The signing service checks their seals again before it signs.
 *
 * Called twice: an approval that took effect stands. Dies in the middle: nothing was written.
 */
export function makeTallyApprovals(ports: { db: Database; log: ActivityLog }) {
  return moneyActivity('tallyApprovals', ports.log, ({ requestId }: { requestId: string }) =>
    transact(ports.db, async (tx): Promise<ApprovalTally> => {
      const request = await lockWithdrawal(tx, requestId);
      const decision = await findDecision(tx, requestId);
      // An end is the next step's to say; without a decision the signing service signs nothing.
      if (isEnd(request.status) || !decision || !awaitsApproval(decision)) return { kind: 'approved' };

      const now = new Date();
      const deadline = decision.approvalDeadline?.getTime() ?? Infinity;
      const given = await listApprovals(tx, requestId);
      const tally = tallyApprovals(given, { required: decision.approvalsRequired, approvers: decision.approvers, requesterId: request.ownerId }, now.getTime() >= deadline);
      switch (tally.kind) {
        case 'approved':
          await setApproved(tx, requestId, now);
          await setUsed(tx, requestId, now);
          await moveTo(tx, requestId, 'PENDING', 'approved', { detail: { approvals: decision.approvalsRequired } });
          return tally;
        case 'rejected':
          await setUsed(tx, requestId, now);
          return { kind: 'refused', code: 'REJECTED_BY_APPROVER', reason: given.find(({ decision: word }) => word === 'REJECT')?.reason ?? 'no reason was given' };
        case 'expired':
          return { kind: 'refused', code: 'APPROVAL_EXPIRED', reason: `fewer than ${decision.approvalsRequired} people had approved it in time` };
        case 'waiting':
          await moveTo(tx, requestId, 'AWAITING_APPROVAL', 'waiting for approval', { detail: { required: decision.approvalsRequired, until: decision.approvalDeadline?.toISOString() ?? null } });
          return { kind: 'waiting', remainingMs: Math.min(deadline - now.getTime(), DAY_MS) };
        default:
          return tally satisfies never;
      }
    }),
  );
}
