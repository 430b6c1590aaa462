import { char, index, int, mysqlTable } from 'drizzle-orm/mysql-core';
import { timeColumn } from './columns.ts';

/**
 * Passwords that were tried, counted by e-mail address and by address and place, whether such an account exists or not. Exists
 * so that guessing gets slower with every guess, also after a restart and without Redis.
 */
export const passwordGuesses = mysqlTable(
  'password_guesses',
  {
    /** HMAC-SHA-256 of what is counted, hex: whoever reads the table learns no address */
    subject: char('subject', { length: 64 }).primaryKey(),
    failures: int('failures').notNull(),
    /** until then nothing is tried */
    waitUntil: timeColumn('wait_until'),
    /** from then on the failures count no more */
    fadesAt: timeColumn('fades_at').notNull(),
    /** of an address and a place: until then it is one from where somebody has signed in */
    knownUntil: timeColumn('known_until'),
    /** from then on the row says nothing, and is deleted */
    forgetAt: timeColumn('forget_at').notNull(),
  },
  (table) => [index('password_guesses_forget').on(table.forgetAt)],
);
