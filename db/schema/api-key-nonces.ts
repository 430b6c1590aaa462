import { bigint, index, mysqlTable, primaryKey, varchar } from 'drizzle-orm/mysql-core';
import { timeColumn } from './columns.ts';

/** Nonces of signed requests. Exists so that no signature works twice: its primary key refuses the second, in any process and after any restart. */
export const apiKeyNonces = mysqlTable(
  'api_key_nonces',
  {
    keyId: bigint('key_id', { mode: 'number' }).notNull(),
    nonce: varchar('nonce', { length: 64 }).notNull(),
    /** the signature's own `created` */
    signedAt: timeColumn('signed_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.keyId, table.nonce] }), index('api_key_nonces_signed').on(table.signedAt)],
);
