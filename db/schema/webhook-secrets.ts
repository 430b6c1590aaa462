import { bigint, index, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { timeColumn } from './columns.ts';

/** Secrets messages are signed with, sealed. Exists apart from the endpoint because a rotation has several live for a while. */
export const webhookSecrets = mysqlTable(
  'webhook_secrets',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    endpointId: bigint('endpoint_id', { mode: 'number' }).notNull(),
    /** AES-256-GCM, see `webhook-secret-seal.ts` */
    sealed: varchar('sealed', { length: 255 }).notNull(),
    createdAt: timeColumn('created_at').notNull(),
    /** null for the newest */
    expiresAt: timeColumn('expires_at'),
  },
  (table) => [index('webhook_secrets_endpoint').on(table.endpointId, table.id)],
);
