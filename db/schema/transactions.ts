import { bigint, index, int, mysqlEnum, mysqlTable, primaryKey } from 'drizzle-orm/mysql-core';
import { TRANSACTION_STATUSES } from '../../domain/status.ts';
import { hashColumn, requestIdColumn, timeColumn, unitsColumn } from './columns.ts';

/** The chain's view of every hash we track. Exists apart from the attempts because the chain may take back what it said. */
export const transactions = mysqlTable(
  'transactions',
  {
    chainId: int('chain_id').notNull(),
    txHash: hashColumn('tx_hash').notNull(),
    requestId: requestIdColumn('request_id').notNull(),
    status: mysqlEnum('status', [...TRANSACTION_STATUSES]).notNull(),
    /** null while not in a block */
    blockNumber: bigint('block_number', { mode: 'number' }),
    blockHash: hashColumn('block_hash'),
    gasUsed: unitsColumn('gas_used'),
    effectiveGasPrice: unitsColumn('effective_gas_price'),
    /** gasUsed × effectiveGasPrice, wei */
    costWei: unitsColumn('cost_wei'),
    seenAt: timeColumn('seen_at'),
    finalizedAt: timeColumn('finalized_at'),
    updatedAt: timeColumn('updated_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.chainId, table.txHash] }), index('transactions_request').on(table.requestId)],
);
