import { int, mysqlTable, primaryKey, varchar } from 'drizzle-orm/mysql-core';
import { timeColumn, unitsColumn } from './columns.ts';

/** The owner under whom everyone's withdrawals are counted. Account numbers begin at 1. */
export const EVERYONE = 0;

/** What was let pass, by slices of time. Exists so that a limit over hours or a day is one small sum, not a scan of withdrawals. */
export const limitBuckets = mysqlTable(
  'limit_buckets',
  {
    chainId: int('chain_id').notNull(),
    ownerId: int('owner_id').notNull(),
    bucketStart: timeColumn('bucket_start').notNull(),
    currency: varchar('currency', { length: 16 }).notNull(),
    /** base units */
    amount: unitsColumn('amount').notNull(),
    withdrawals: int('withdrawals').notNull(),
  },
  (table) => [primaryKey({ columns: [table.chainId, table.ownerId, table.bucketStart, table.currency] })],
);
