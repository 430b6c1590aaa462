import { bigint, char, index, int, mysqlEnum, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import { APPROVAL_DECISIONS } from '../../domain/approvals.ts';
import { requestIdColumn, timeColumn } from './columns.ts';

/** What approvers said. Exists because a signal can be forged or applied again: only a row sealed by the API counts, one a person, for one withdrawal. */
export const approvals = mysqlTable(
  'approvals',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    requestId: requestIdColumn('request_id').notNull(),
    approverId: int('approver_id').notNull(),
    decision: mysqlEnum('decision', [...APPROVAL_DECISIONS]).notNull(),
    reason: varchar('reason', { length: 255 }),
    /** HMAC over decision, approver, request, recipient and amount, made by the API, checked by the signing service */
    seal: char('seal', { length: 64 }).notNull(),
    createdAt: timeColumn('created_at').notNull(),
    /** when its workflow was told; the sweeper tells those that were not */
    toldAt: timeColumn('told_at'),
    /** when it took effect: an approval counts once */
    usedAt: timeColumn('used_at'),
  },
  (table) => [uniqueIndex('approvals_approver').on(table.requestId, table.approverId), index('approvals_untold').on(table.toldAt, table.id)],
);
