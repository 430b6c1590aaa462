import { char, int, mysqlTable, primaryKey } from 'drizzle-orm/mysql-core';
import { timeColumn } from './columns.ts';

/** Recovery codes by keyed hash. Exists so that a person without their authenticator gets in, once with each. */
export const secondFactorRecoveryCodes = mysqlTable(
  'second_factor_recovery_codes',
  {
    userId: int('user_id').notNull(),
    /** HMAC-SHA-256, hex, see `second-factor-seal.ts` */
    codeHash: char('code_hash', { length: 64 }).notNull(),
    usedAt: timeColumn('used_at'),
  },
  (table) => [primaryKey({ columns: [table.userId, table.codeHash] })],
);
