import { bigint, index, mysqlTable, uniqueIndex } from 'drizzle-orm/mysql-core';
import { requestIdColumn, timeColumn } from './columns.ts';

/** Workflows still to be started. Exists because MySQL and Temporal cannot commit together: the row is the promise, the sweeper keeps it. */
export const outbox = mysqlTable(
  'outbox',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    requestId: requestIdColumn('request_id').notNull(),
    createdAt: timeColumn('created_at').notNull(),
    dispatchedAt: timeColumn('dispatched_at'),
  },
  (table) => [uniqueIndex('outbox_request').on(table.requestId), index('outbox_waiting').on(table.dispatchedAt, table.id)],
);
