import { bigint, int, mysqlTable, primaryKey, varchar } from 'drizzle-orm/mysql-core';
import { addressColumn, timeColumn, unitsColumn } from './columns.ts';

/**
 * What a worker last saw of a hot wallet on the chain, one row an asset. Exists so that the API, which reaches no chain, can
 * show balances and say how old they are, and so that wallets that cannot pay are tried last. No money is decided by it.
 */
export const walletObservations = mysqlTable(
  'wallet_observations',
  {
    chainId: int('chain_id').notNull(),
    walletAddress: addressColumn('wallet_address').notNull(),
    /** the token's address; `native` for the coin */
    asset: varchar('asset', { length: 42 }).notNull(),
    /** base units, at `blockNumber` */
    balance: unitsColumn('balance').notNull(),
    /** base units an hour, the fastest of the recent windows; for the coin with the gas */
    spendPerHour: unitsColumn('spend_per_hour').notNull(),
    /** the chain's transaction count, and with what waits in the pool: in the coin's row, null in the others */
    latestNonce: bigint('latest_nonce', { mode: 'number' }),
    pendingNonce: bigint('pending_nonce', { mode: 'number' }),
    blockNumber: bigint('block_number', { mode: 'number' }).notNull(),
    seenAt: timeColumn('seen_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.chainId, table.walletAddress, table.asset] })],
);
