import { boolean, char, index, int, mysqlEnum, mysqlTable, tinyint, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import { WITHDRAWAL_STATUSES } from '../../domain/status.ts';
import { addressColumn, hashColumn, requestIdColumn, timeColumn, unitsColumn } from './columns.ts';

/** One accepted request to pay. Exists as the truth of every withdrawal's status; workflows follow it, never the reverse. */
export const withdrawalRequests = mysqlTable(
  'withdrawal_requests',
  {
    requestId: requestIdColumn('request_id').primaryKey(),
    ownerId: int('owner_id').notNull(),
    correlationId: varchar('correlation_id', { length: 64 }).notNull(),
    network: varchar('network', { length: 32 }).notNull(),
    chainId: int('chain_id').notNull(),
    currency: varchar('currency', { length: 16 }).notNull(),
    tokenAddress: addressColumn('token_address'),
    decimals: tinyint('decimals').notNull(),
    /** base units */
    amount: unitsColumn('amount').notNull(),
    toAddress: addressColumn('to_address').notNull(),
    status: mysqlEnum('status', [...WITHDRAWAL_STATUSES]).notNull(),
    /** HMAC over the fields money follows, made by the API */
    seal: char('seal', { length: 64 }).notNull(),
    /** the hot wallet that pays, bound with the funds */
    walletAddress: addressColumn('wallet_address'),
    /** committed by the cancel call; once set, no paying attempt is signed any more */
    cancelIntentAt: timeColumn('cancel_intent_at'),
    /** signed bytes that pay exist and the chain has not finally ruled on their nonce */
    hasLivePayment: boolean('has_live_payment').notNull().default(false),
    /** the newest paying attempt, or the one that paid */
    txHash: hashColumn('tx_hash'),
    /** set once, by settlement: the very log that paid (-1 for the native coin) */
    paidTxHash: hashColumn('paid_tx_hash'),
    paidLogIndex: int('paid_log_index'),
    errorCode: varchar('error_code', { length: 64 }),
    /** technical detail for operators; people are shown a sentence made from the code */
    errorMessage: varchar('error_message', { length: 1024 }),
    createdAt: timeColumn('created_at').notNull(),
    updatedAt: timeColumn('updated_at').notNull(),
    completedAt: timeColumn('completed_at'),
  },
  (table) => [
    // One payment on chain serves one request only.
    uniqueIndex('withdrawal_requests_payment').on(table.chainId, table.paidTxHash, table.paidLogIndex),
    index('withdrawal_requests_owner').on(table.ownerId, table.createdAt, table.requestId),
    index('withdrawal_requests_created').on(table.createdAt, table.requestId),
    index('withdrawal_requests_cancel').on(table.cancelIntentAt),
    index('withdrawal_requests_currency').on(table.currency, table.createdAt, table.requestId),
    // What stands last only filters: where it seldom meets what stands first, the index alone is read, not the rows.
    index('withdrawal_requests_recipient').on(table.toAddress, table.createdAt, table.requestId, table.ownerId),
    index('withdrawal_requests_wallet').on(table.walletAddress, table.createdAt, table.requestId, table.currency),
    index('withdrawal_requests_state').on(table.status, table.createdAt, table.requestId, table.walletAddress, table.currency),
  ],
);
