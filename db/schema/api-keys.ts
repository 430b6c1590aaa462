import { bigint, char, index, int, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import type { Scope } from '../../domain/scopes.ts';
import { jsonColumn, timeColumn } from './columns.ts';

/** What a program signs its requests with. Exists so that a key can be named, narrowed and ended; nobody can sign with what stands here. */
export const apiKeys = mysqlTable(
  'api_keys',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    /** `ak_` and 32 random hex digits: what requests name it by, and what its secret is derived from */
    keyId: char('key_id', { length: 35 }).notNull(),
    /** SHA-256 of the secret, hex: the secret itself is kept nowhere */
    secretHash: char('secret_hash', { length: 64 }).notNull(),
    ownerId: int('owner_id').notNull(),
    name: varchar('name', { length: 100 }).notNull(),
    scopes: jsonColumn('scopes', 'varchar(1024)').$type<Scope[]>().notNull(),
    /** networks in CIDR form; null: from anywhere */
    ipAllowlist: jsonColumn('ip_allowlist', 'varchar(2048)').$type<string[]>(),
    createdAt: timeColumn('created_at').notNull(),
    /** null: never */
    expiresAt: timeColumn('expires_at'),
    /** HMAC over what the key may do and for whom, hex (`domain/api-keys.ts`): a row that was edited acts for nobody */
    seal: char('seal', { length: 64 }).notNull(),
    revokedAt: timeColumn('revoked_at'),
    /** to the minute, with the address of that use */
    lastUsedAt: timeColumn('last_used_at'),
    lastUsedFrom: varchar('last_used_from', { length: 45 }),
  },
  (table) => [uniqueIndex('api_keys_key_id').on(table.keyId), index('api_keys_owner').on(table.ownerId, table.id)],
);
