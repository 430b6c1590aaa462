import { bigint, int, mysqlEnum, mysqlTable, primaryKey, varchar } from 'drizzle-orm/mysql-core';
import { WALLET_STATUSES } from '../../domain/status.ts';
import { addressColumn, timeColumn } from './columns.ts';

/** Hot wallets. Exists to be locked: funds and nonces of a wallet are only given out while its row is held. */
export const wallets = mysqlTable(
  'wallets',
  {
    chainId: int('chain_id').notNull(),
    address: addressColumn('address').notNull(),
    /** where the signer finds the key; no secret */
    keyId: varchar('key_id', { length: 255 }).notNull(),
    status: mysqlEnum('status', [...WALLET_STATUSES]).notNull().default('ACTIVE'),
    statusReason: varchar('status_reason', { length: 255 }),
    /** the first nonce never given out; null until the chain was asked once */
    nextNonce: bigint('next_nonce', { mode: 'number' }),
    /** the wallet that takes its place; named once */
    successorAddress: addressColumn('successor_address'),
    createdAt: timeColumn('created_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.chainId, table.address] })],
);
