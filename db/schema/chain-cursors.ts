import { bigint, int, mysqlTable } from 'drizzle-orm/mysql-core';
import { hashColumn, timeColumn } from './columns.ts';

/** The last block a monitor has read. Exists so that blocks missed while no monitor ran are read back, block by block. */
export const chainCursors = mysqlTable('chain_cursors', {
  chainId: int('chain_id').primaryKey(),
  blockNumber: bigint('block_number', { mode: 'number' }).notNull(),
  blockHash: hashColumn('block_hash').notNull(),
  updatedAt: timeColumn('updated_at').notNull(),
});
