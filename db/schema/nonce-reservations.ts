import { bigint, index, int, mysqlEnum, mysqlTable, uniqueIndex } from 'drizzle-orm/mysql-core';
import { NONCE_STATES } from '../../domain/status.ts';
import { addressColumn, hashColumn, requestIdColumn, timeColumn } from './columns.ts';

/**
 * Who holds which nonce. Exists as the fence behind Redis: the unique keys make a nonce given twice, or a request
 * with two live nonces, impossible whatever proposes them.
 */
export const nonceReservations = mysqlTable(
  'nonce_reservations',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    chainId: int('chain_id').notNull(),
    walletAddress: addressColumn('wallet_address').notNull(),
    nonce: bigint('nonce', { mode: 'number' }).notNull(),
    /** the last holder; null for a nonce only a stranger used */
    requestId: requestIdColumn('request_id'),
    /** equal to requestId while the reservation is live, null afterwards: unique, so a request holds one nonce at most */
    liveRequestId: requestIdColumn('live_request_id'),
    /** raised each time the nonce is given to somebody, so that a late writer of an older life is refused */
    generation: int('generation').notNull(),
    state: mysqlEnum('state', [...NONCE_STATES]).notNull(),
    /** the hash that consumed it: one of ours, or a stranger's once it was proven */
    consumedBy: hashColumn('consumed_by'),
    updatedAt: timeColumn('updated_at').notNull(),
  },
  (table) => [
    uniqueIndex('nonce_reservations_nonce').on(table.chainId, table.walletAddress, table.nonce),
    uniqueIndex('nonce_reservations_live').on(table.liveRequestId),
    index('nonce_reservations_state').on(table.chainId, table.walletAddress, table.state, table.nonce),
    index('nonce_reservations_request').on(table.requestId),
  ],
);
