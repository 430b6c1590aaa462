import { char, int, mysqlTable, primaryKey, uniqueIndex } from 'drizzle-orm/mysql-core';
import { requestIdColumn, timeColumn } from './columns.ts';

/** One row an accepted key. Exists so that the primary key, not a check, makes a second POST the same withdrawal, for ever. */
export const idempotencyKeys = mysqlTable(
  'idempotency_keys',
  {
    ownerId: int('owner_id').notNull(),
    /** SHA-256 of the header's value, hex */
    keyHash: char('key_hash', { length: 64 }).notNull(),
    /** SHA-256 of the canonical body, hex */
    bodyHash: char('body_hash', { length: 64 }).notNull(),
    requestId: requestIdColumn('request_id').notNull(),
    createdAt: timeColumn('created_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.ownerId, table.keyHash] }), uniqueIndex('idempotency_keys_request').on(table.requestId)],
);
