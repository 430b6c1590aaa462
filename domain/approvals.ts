import { partsOf, sameSeal, sealOf, type SealedFields } from './seal.ts';

export const APPROVAL_DECISIONS = ['APPROVE', 'REJECT'] as const;
export type ApprovalDecision = (typeof APPROVAL_DECISIONS)[number];

/** One person's word on one withdrawal, as the API sealed it. */
export interface SealedApproval {
  decision: ApprovalDecision;
  approverId: number;
  seal: string;
}

/** What the policy asked for. */
export interface ApprovalTerms {
  /** distinct people who must approve */
  required: number;
  /** the accounts whose word counts; null for everyone who may approve */
  approvers: readonly number[] | null;
  /** who asked for the withdrawal: never one of its approvers */
  requesterId: number;
}

/** HMAC over decision, approver and the withdrawal's money: a word given for one withdrawal says nothing of another, or of a changed one. */
export function sealApproval(key: Uint8Array, approval: Omit<SealedApproval, 'seal'>, withdrawal: SealedFields): string {
  return sealOf(key, ['approval/1', approval.decision, String(approval.approverId), ...partsOf(withdrawal)]);
}

/** True when the API sealed this very approval of this very withdrawal. */
export function approvalHolds(key: Uint8Array, approval: SealedApproval, withdrawal: SealedFields): boolean {
  return sameSeal(sealApproval(key, approval, withdrawal), approval.seal);
}

/** Why a person may not decide on a withdrawal, or null. */
export function whyNotApprover(approverId: number, terms: ApprovalTerms): 'requester' | 'not-an-approver' | null {
  if (approverId === terms.requesterId) return 'requester';
  if (terms.approvers !== null && !terms.approvers.includes(approverId)) return 'not-an-approver';
  return null;
}

export type Tally = { kind: 'waiting'; given: number } | { kind: 'approved' } | { kind: 'rejected'; by: number } | { kind: 'expired' };

/**
 * What the words given so far come to. One rejection rejects; each person counts once; the requester, and who is not among
 * the approvers, never. Enough approvals outweigh a deadline that has passed meanwhile: each was given in time.
 */
export function tallyApprovals(given: readonly Pick<SealedApproval, 'decision' | 'approverId'>[], terms: ApprovalTerms, isPastDeadline: boolean): Tally {
  const counted = given.filter(({ approverId }) => whyNotApprover(approverId, terms) === null);
  const rejection = counted.find(({ decision }) => decision === 'REJECT');
  if (rejection) return { kind: 'rejected', by: rejection.approverId };
  const approvers = new Set(counted.map(({ approverId }) => approverId));
  if (approvers.size >= terms.required) return { kind: 'approved' };
  return isPastDeadline ? { kind: 'expired' } : { kind: 'waiting', given: approvers.size };
}
