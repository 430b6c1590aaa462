import { sql } from 'drizzle-orm';
import { bigint, char, check, index, int, mysqlEnum, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
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
    proposedBy: int('proposed_by').notNull(),
    proposedAt: timeColumn('proposed_at').notNull(),
    liveAt: timeColumn('live_at'),
    decidedBy: int('decided_by'),
    decidedAt: timeColumn('decided_at'),
    /** why the newest proposal, of the entry or of its removal, was rejected */
    decisionReason: varchar('decision_reason', { length: 255 }),
    /** the newest proposal to remove it */
    removalReason: varchar('removal_reason', { length: 255 }),
    removalProposedBy: int('removal_proposed_by'),
    removalProposedAt: timeColumn('removal_proposed_at'),
    removalDecidedBy: int('removal_decided_by'),
    removalDecidedAt: timeColumn('removal_decided_at'),
    /** HMAC over the entry, made by the API at each change, checked by the signing service; null from before there were seals */
    seal: char('seal', { length: 64 }),
  },
  (table) => [
    uniqueIndex('listed_addresses_open').on(table.openKey),
    index('listed_addresses_address').on(table.address, table.network, table.status),
    index('listed_addresses_list').on(table.list, table.status, table.id),
    // Whoever proposes an entry, or its removal, does not put it in force.
    check('listed_addresses_two_people', sql`${table.status} IN ('PROPOSED','REJECTED') OR (${table.decidedBy} IS NOT NULL AND ${table.decidedBy} <> ${table.proposedBy})`),
    check('listed_addresses_two_remove', sql`${table.status} <> 'REMOVED' OR (${table.removalDecidedBy} IS NOT NULL AND ${table.removalProposedBy} IS NOT NULL AND ${table.removalDecidedBy} <> ${table.removalProposedBy})`),
  ],
);
