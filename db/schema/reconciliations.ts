import { bigint, index, int, mysqlTable } from 'drizzle-orm/mysql-core';
import { addressColumn, timeColumn } from './columns.ts';

/** What of the chain was held against the books, and what came of it. Exists so that the next comparison starts where the last one ended. */
export const reconciliations = mysqlTable(
  'reconciliations',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    chainId: int('chain_id').notNull(),
    walletAddress: addressColumn('wallet_address').notNull(),
    /** first and last block compared, both included, all of them final */
    fromBlock: bigint('from_block', { mode: 'number' }).notNull(),
    toBlock: bigint('to_block', { mode: 'number' }).notNull(),
    transfers: int('transfers').notNull(),
    matched: int('matched').notNull(),
    strangers: int('strangers').notNull(),
    missing: int('missing').notNull(),
    finishedAt: timeColumn('finished_at').notNull(),
  },
  (table) => [index('reconciliations_wallet').on(table.chainId, table.walletAddress, table.toBlock)],
);
