import { bigint, char, index, int, mysqlEnum, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import { addressColumn, hashColumn, timeColumn, unitsColumn } from './columns.ts';

const MOVEMENT_DIRECTIONS = ['IN', 'OUT'] as const;

/** Top-ups and sweeps a person declared beforehand. Exists so that reconciliation knows them from a stranger's transfer. */
export const treasuryMovements = mysqlTable(
  'treasury_movements',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    chainId: int('chain_id').notNull(),
    walletAddress: addressColumn('wallet_address').notNull(),
    direction: mysqlEnum('direction', [...MOVEMENT_DIRECTIONS]).notNull(),
    tokenAddress: addressColumn('token_address'),
    /** base units */
    amount: unitsColumn('amount').notNull(),
    /** where it comes from or goes to */
    counterparty: addressColumn('counterparty').notNull(),
    reason: varchar('reason', { length: 255 }).notNull(),
    declaredBy: varchar('declared_by', { length: 128 }).notNull(),
    declaredAt: timeColumn('declared_at').notNull(),
    /** the transfer that was recognised as this movement: one transfer, one movement (-1 for the native coin) */
    txHash: hashColumn('tx_hash'),
    logIndex: int('log_index'),
    matchedAt: timeColumn('matched_at'),
    /** SHA-256 of who declared it under which idempotency key: a call said twice declares once; null where none was given */
    declarationKey: char('declaration_key', { length: 64 }),
  },
  (table) => [
    uniqueIndex('treasury_movements_transfer').on(table.chainId, table.txHash, table.logIndex),
    index('treasury_movements_open').on(table.chainId, table.walletAddress, table.matchedAt),
    uniqueIndex('treasury_movements_declaration').on(table.declarationKey),
  ],
);
