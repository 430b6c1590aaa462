import { char, mysqlTable, primaryKey, varchar } from 'drizzle-orm/mysql-core';

/**
 * The addresses that were ever denied, each sealed together with the next one. Exists because a deleted row leaves no seal to
 * check: here an address between two neighbours is provably not on the denylist, and one that was on it cannot be left out
 * without breaking a seal. The first link has an empty address.
 */
export const denylistLinks = mysqlTable(
  'denylist_links',
  {
    network: varchar('network', { length: 32 }).notNull(),
    /** in lower case, so that the order is one */
    address: varchar('address', { length: 42 }).notNull(),
    /** null in the last one */
    nextAddress: varchar('next_address', { length: 42 }),
    /** HMAC over both addresses: what lies between them was never denied */
    linkSeal: char('link_seal', { length: 64 }).notNull(),
    /** HMAC over the entries in force at this address, none left out */
    entriesSeal: char('entries_seal', { length: 64 }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.network, table.address] })],
);
