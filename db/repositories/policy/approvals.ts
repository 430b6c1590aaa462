import { and, asc, eq, gt, isNull, lt } from 'drizzle-orm';
import type { ApprovalDecision } from '../../../domain/approvals.ts';
import type { WithdrawalStatus } from '../../../domain/status.ts';
import type { Queryable, Transaction } from '../../client.ts';
import { approvals, users, withdrawalRequests } from '../../schema/index.ts';

export type ApprovalRow = typeof approvals.$inferSelect;

/** What people have said of a withdrawal, in their order. */
export async function listApprovals(queryable: Queryable, requestId: string): Promise<ApprovalRow[]> {
  return queryable.select().from(approvals).where(eq(approvals.requestId, requestId)).orderBy(asc(approvals.id));
}

export interface NamedApproval extends Pick<ApprovalRow, 'approverId' | 'decision' | 'reason' | 'createdAt'> {
  /** null for an account that is gone */
  email: string | null;
}

/** The same with the approvers' e-mail addresses. */
export async function listNamedApprovals(queryable: Queryable, requestId: string): Promise<NamedApproval[]> {
  const { approverId, decision, reason, createdAt } = approvals;
  return queryable
    .select({ approverId, decision, reason, createdAt, email: users.email })
    .from(approvals)
    .leftJoin(users, eq(users.id, approverId))
    .where(eq(approvals.requestId, requestId))
    .orderBy(asc(approvals.id));
}

/** Notes that the words on a withdrawal took effect: its workflow has heard them all. Called twice: the first time stands. */
export async function setUsed(tx: Transaction, requestId: string, now: Date): Promise<void> {
  await tx.update(approvals).set({ usedAt: now }).where(and(eq(approvals.requestId, requestId), isNull(approvals.usedAt)));
  await tx.update(approvals).set({ toldAt: now }).where(and(eq(approvals.requestId, requestId), isNull(approvals.toldAt)));
}

/** Notes that the workflow was told. Called twice: the first time stands. */
export async function setTold(queryable: Queryable, approvalId: number, now: Date): Promise<void> {
  await queryable.update(approvals).set({ toldAt: now }).where(and(eq(approvals.id, approvalId), isNull(approvals.toldAt)));
}

export interface UntoldApproval {
  id: number;
  requestId: string;
  decision: ApprovalDecision;
  /** of its withdrawal */
  status: WithdrawalStatus;
}

/** A page of the words behind the one numbered `after`, given before `givenBefore`, that their workflow may not have heard of, oldest first. */
export async function listUntold(queryable: Queryable, givenBefore: Date, after: number, limit: number): Promise<UntoldApproval[]> {
  const { id, requestId, decision } = approvals;
  return queryable
    .select({ id, requestId, decision, status: withdrawalRequests.status })
    .from(approvals)
    .innerJoin(withdrawalRequests, eq(withdrawalRequests.requestId, requestId))
    .where(and(isNull(approvals.toldAt), gt(id, after), lt(approvals.createdAt, givenBefore)))
    .orderBy(asc(id))
    .limit(limit);
}
