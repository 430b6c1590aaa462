import { index, int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { jsonColumn, requestIdColumn, timeColumn, unitsColumn } from './columns.ts';

/**
 * What the policy said of a withdrawal that it let pass. Exists so that it is judged once, by a version that is on record,
 * and what it took of the limits is given back once. Written in the transaction that holds the funds.
 */
export const policyDecisions = mysqlTable(
  'policy_decisions',
  {
    requestId: requestIdColumn('request_id').primaryKey(),
    policyVersion: int('policy_version').notNull(),
    ruleId: varchar('rule_id', { length: 64 }).notNull(),
    ownerId: int('owner_id').notNull(),
    chainId: int('chain_id').notNull(),
    currency: varchar('currency', { length: 16 }).notNull(),
    /** base units, as counted in the limits */
    amount: unitsColumn('amount').notNull(),
    /** the start of the slice of time it was counted in */
    limitBucket: timeColumn('limit_bucket').notNull(),
    limitsReturnedAt: timeColumn('limits_returned_at'),
    /** distinct people who must approve; 0 when nobody needs to */
    approvalsRequired: int('approvals_required').notNull(),
    /** the accounts whose word counts; null for everyone who may approve */
    approvers: jsonColumn('approvers').$type<number[]>(),
    approvalDeadline: timeColumn('approval_deadline'),
    approvedAt: timeColumn('approved_at'),
    decidedAt: timeColumn('decided_at').notNull(),
  },
  (table) => [index('policy_decisions_deadline').on(table.approvedAt, table.approvalDeadline)],
);
