import { bigint, index, int, mysqlEnum, mysqlTable } from 'drizzle-orm/mysql-core';
import { FUND_STATES } from '../../domain/status.ts';
import { addressColumn, requestIdColumn, timeColumn, unitsColumn } from './columns.ts';

/**
 * What is promised out of a wallet's balance, gas included. Exists so that two withdrawals never count the same coin;
 * `settledBlock` tells from which block on the chain's balance already shows the payment.
 */
export const fundReservations = mysqlTable(
  'fund_reservations',
  {
    requestId: requestIdColumn('request_id').primaryKey(),
    chainId: int('chain_id').notNull(),
    walletAddress: addressColumn('wallet_address').notNull(),
    tokenAddress: addressColumn('token_address'),
    amount: unitsColumn('amount').notNull(),
    gasLimit: unitsColumn('gas_limit').notNull(),
    gasWei: unitsColumn('gas_wei').notNull(),
    state: mysqlEnum('state', [...FUND_STATES]).notNull(),
    /** what really left the wallet; null while held */
    spentAmount: unitsColumn('spent_amount'),
    spentGasWei: unitsColumn('spent_gas_wei'),
    /** block of the transaction that settled it; null while held or when nothing was mined */
    settledBlock: bigint('settled_block', { mode: 'number' }),
    createdAt: timeColumn('created_at').notNull(),
    settledAt: timeColumn('settled_at'),
  },
  (table) => [
    index('fund_reservations_held').on(table.chainId, table.walletAddress, table.state),
    index('fund_reservations_settled').on(table.chainId, table.walletAddress, table.settledBlock),
    index('fund_reservations_created').on(table.chainId, table.walletAddress, table.createdAt),
  ],
);
