import { boolean, int, mysqlTable, primaryKey, tinyint, varchar } from 'drizzle-orm/mysql-core';
import { addressColumn, unitsColumn } from './columns.ts';

/** What can be withdrawn. Exists so that a token's contract and decimals come from one registry, checked against the chain. */
export const assets = mysqlTable(
  'assets',
  {
    network: varchar('network', { length: 32 }).notNull(),
    currency: varchar('currency', { length: 16 }).notNull(),
    chainId: int('chain_id').notNull(),
    /** null for the chain's native coin */
    tokenAddress: addressColumn('token_address'),
    decimals: tinyint('decimals').notNull(),
    /** per transaction, base units, inclusive */
    minAmount: unitsColumn('min_amount').notNull(),
    maxAmount: unitsColumn('max_amount').notNull(),
    enabled: boolean('enabled').notNull().default(true),
  },
  (table) => [primaryKey({ columns: [table.network, table.currency] })],
);
