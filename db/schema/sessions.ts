import { char, index, int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { timeColumn } from './columns.ts';

/** One sign-in each. Exists so that it can be seen and ended by itself, and its access tokens with it. */
export const sessions = mysqlTable(
  'sessions',
  {
    /** 32 hex digits; its refresh tokens carry it as their family, its access tokens as `sid` */
    id: char('id', { length: 32 }).primaryKey(),
    userId: int('user_id').notNull(),
    createdAt: timeColumn('created_at').notNull(),
    /** when the account's second factor was last shown in it */
    secondFactorAt: timeColumn('second_factor_at'),
    expiresAt: timeColumn('expires_at').notNull(),
    revokedAt: timeColumn('revoked_at'),
    /** null: not since it was opened. What was issued last is used for ten minutes more at most */
    refreshedAt: timeColumn('refreshed_at'),
    /** where it was opened */
    ipAddress: varchar('ip_address', { length: 45 }),
    userAgent: varchar('user_agent', { length: 256 }),
  },
  (table) => [index('sessions_user').on(table.userId, table.createdAt)],
);
