import { and, eq, isNull } from 'drizzle-orm';
import type { Queryable, Transaction } from '../../client.ts';
import { policyDecisions } from '../../schema/index.ts';

export type PolicyDecisionRow = typeof policyDecisions.$inferSelect;

/** What the policy said of a request that it let pass; undefined before, and where it was denied. */
export async function findDecision(queryable: Queryable, requestId: string): Promise<PolicyDecisionRow | undefined> {
  const [row] = await queryable.select().from(policyDecisions).where(eq(policyDecisions.requestId, requestId));
  return row;
}

/** Writes it down. The primary key refuses a second decision on one request. */
export async function insertDecision(tx: Transaction, decision: Omit<PolicyDecisionRow, 'limitsReturnedAt' | 'approvedAt'>): Promise<void> {
  await tx.insert(policyDecisions).values(decision);
}

/** Notes that enough people have approved. Called twice: the first time stands. */
export async function setApproved(tx: Transaction, requestId: string, now: Date): Promise<void> {
  await tx.update(policyDecisions).set({ approvedAt: now }).where(and(eq(policyDecisions.requestId, requestId), isNull(policyDecisions.approvedAt)));
}

/** True while people are still to be asked. */
export function awaitsApproval(decision: Pick<PolicyDecisionRow, 'approvalsRequired' | 'approvedAt'>): boolean {
  return decision.approvalsRequired > 0 && decision.approvedAt === null;
}
