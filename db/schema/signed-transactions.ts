import { bigint, index, int, mysqlEnum, mysqlTable, text, uniqueIndex } from 'drizzle-orm/mysql-core';
import { ATTEMPT_PURPOSES, ATTEMPT_STATUSES } from '../../domain/status.ts';
import { addressColumn, hashColumn, requestIdColumn, timeColumn, unitsColumn } from './columns.ts';

/** Attempts: signed bytes. Exists so that nothing is ever sent that was not first committed here, and the same bytes can be sent again. */
export const signedTransactions = mysqlTable(
  'signed_transactions',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    requestId: requestIdColumn('request_id').notNull(),
    reservationId: bigint('reservation_id', { mode: 'number' }).notNull(),
    /** 0 for the first attempt on a nonce, 1 for its first replacement, … */
    ordinal: int('ordinal').notNull(),
    purpose: mysqlEnum('purpose', [...ATTEMPT_PURPOSES]).notNull(),
    txHash: hashColumn('tx_hash').notNull(),
    rawTransaction: text('raw_transaction').notNull(),
    chainId: int('chain_id').notNull(),
    nonce: bigint('nonce', { mode: 'number' }).notNull(),
    from: addressColumn('from_address').notNull(),
    to: addressColumn('to_address').notNull(),
    /** wei */
    value: unitsColumn('value').notNull(),
    gasLimit: unitsColumn('gas_limit').notNull(),
    /** wei per gas */
    maxFeePerGas: unitsColumn('max_fee_per_gas').notNull(),
    maxPriorityFeePerGas: unitsColumn('max_priority_fee_per_gas').notNull(),
    /** how often these bytes were handed to a node after the first time */
    retryCount: int('retry_count').notNull().default(0),
    status: mysqlEnum('status', [...ATTEMPT_STATUSES]).notNull(),
    signedAt: timeColumn('signed_at').notNull(),
    broadcastedAt: timeColumn('broadcasted_at'),
    confirmedAt: timeColumn('confirmed_at'),
  },
  (table) => [
    uniqueIndex('signed_transactions_hash').on(table.chainId, table.txHash),
    // Two signers racing for one replacement: the second insert fails.
    uniqueIndex('signed_transactions_ordinal').on(table.reservationId, table.ordinal),
    index('signed_transactions_request').on(table.requestId),
  ],
);
