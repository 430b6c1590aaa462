import { and, asc, eq, isNull } from 'drizzle-orm';
import type { Queryable, Transaction } from '../client.ts';
import { approvals } from '../schema/index.ts';

export type ApprovalRow = typeof approvals.$inferSelect;

/** What people have said of a withdrawal, in their order. */
export async function listApprovals(queryable: Queryable, requestId: string): Promise<ApprovalRow[]> {
  return queryable.select().from(approvals).where(eq(approvals.requestId, requestId)).orderBy(asc(approvals.id));
}

/** Notes that the words on a withdrawal took effect. Called twice: the first time stands. */
export async function setUsed(tx: Transaction, requestId: string, now: Date): Promise<void> {
  await tx.update(approvals).set({ usedAt: now }).where(and(eq(approvals.requestId, requestId), isNull(approvals.usedAt)));
}
