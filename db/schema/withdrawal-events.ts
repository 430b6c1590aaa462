import { bigint, index, mysqlEnum, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { WITHDRAWAL_STATUSES } from '../../domain/status.ts';
import { detailColumn, requestIdColumn, timeColumn } from './columns.ts';

/** The timeline. Exists so that a person reads what happened to a withdrawal without opening a workflow history. Append only. */
export const withdrawalEvents = mysqlTable(
  'withdrawal_events',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    requestId: requestIdColumn('request_id').notNull(),
    type: varchar('type', { length: 64 }).notNull(),
    /** the status entered with this event; null when it did not change */
    status: mysqlEnum('status', [...WITHDRAWAL_STATUSES]),
    detail: detailColumn('detail').notNull(),
    createdAt: timeColumn('created_at').notNull(),
  },
  (table) => [index('withdrawal_events_request').on(table.requestId, table.id)],
);
