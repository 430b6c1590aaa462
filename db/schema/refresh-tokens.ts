import { char, index, int, mysqlTable } from 'drizzle-orm/mysql-core';
import { timeColumn } from './columns.ts';

/** Refresh tokens by hash. Exists so that a session outlives an access token and a stolen token shows when it is used twice. */
export const refreshTokens = mysqlTable(
  'refresh_tokens',
  {
    /** SHA-256 of the token, hex: the token itself is never stored */
    tokenHash: char('token_hash', { length: 64 }).primaryKey(),
    userId: int('user_id').notNull(),
    /** every token descended from one sign-in */
    familyId: char('family_id', { length: 32 }).notNull(),
    expiresAt: timeColumn('expires_at').notNull(),
    usedAt: timeColumn('used_at'),
    revokedAt: timeColumn('revoked_at'),
    createdAt: timeColumn('created_at').notNull(),
  },
  (table) => [index('refresh_tokens_family').on(table.familyId), index('refresh_tokens_user').on(table.userId)],
);
