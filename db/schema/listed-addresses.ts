import { bigint, index, int, mysqlEnum, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import { addressColumn, timeColumn } from './columns.ts';

export const ADDRESS_LISTS = ['ALLOW', 'DENY'] as const;
export const LISTING_STATUSES = ['PROPOSED', 'LIVE', 'REMOVAL_PROPOSED', 'REMOVED', 'REJECTED'] as const;

/** Recipients that may, or must not, be paid. Exists so that two people stand behind each entry, and its history stays. */
export const listedAddresses = mysqlTable(
  'listed_addresses',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    list: mysqlEnum('list', [...ADDRESS_LISTS]).notNull(),
    network: varchar('network', { length: 32 }).notNull(),
    address: addressColumn('address').notNull(),
    /** whose withdrawals it is for; null for everyone's */
    ownerId: int('owner_id'),
    label: varchar('label', { length: 128 }),
    /** in force from LIVE until REMOVED: a proposed removal removes nothing yet */
    status: mysqlEnum('status', [...LISTING_STATUSES]).notNull(),
    /** `list:network:address:owner` until removed or rejected: unique, so an address is listed once */
    openKey: varchar('open_key', { length: 191 }),
    reason: varchar('reason', { length: 255 }).notNull(),
    /** who proposed the entry, or its removal */
    proposedBy: int('proposed_by').notNull(),
    proposedAt: timeColumn('proposed_at').notNull(),
    liveAt: timeColumn('live_at'),
    decidedBy: int('decided_by'),
    decidedAt: timeColumn('decided_at'),
  },
  (table) => [
    uniqueIndex('listed_addresses_open').on(table.openKey),
    index('listed_addresses_address').on(table.address, table.network, table.status),
    index('listed_addresses_list').on(table.list, table.status, table.id),
  ],
);
