import { bigint, int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { timeColumn } from './columns.ts';

/**
 * An account's second factor, and how often it was guessed at. Exists so that a stolen password, or a stolen session, approves nothing. The
 * row stays when the factor goes: the count of wrong tries and the version must outlive it.
 */
export const secondFactors = mysqlTable('second_factors', {
  userId: int('user_id').primaryKey(),
  /** grows with each enrolment */
  version: int('version').notNull(),
  /** AES-256-GCM, see `second-factor-seal.ts`; null where there is none */
  sealed: varchar('sealed', { length: 255 }),
  /** when its first code was shown; null until then, and it counts for nothing */
  confirmedAt: timeColumn('confirmed_at'),
  /** RFC 6238 time step of the last accepted code */
  lastStep: bigint('last_step', { mode: 'number' }),
  /** wrong codes and passwords in a row */
  wrongTries: int('wrong_tries').notNull(),
  /** nothing is judged before */
  waitUntil: timeColumn('wait_until'),
});
