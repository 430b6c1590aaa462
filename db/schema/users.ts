import { boolean, index, int, mysqlEnum, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import { ROLES } from '../../domain/status.ts';
import { timeColumn } from './columns.ts';
import { EMAIL_LENGTH_MAX } from '../../domain/email.ts';

/** Who may sign in. Exists so that every withdrawal has an owner and every operator's act a name. */
export const users = mysqlTable(
  'users',
  {
    id: int('id').autoincrement().primaryKey(),
    /** of a shadow account: a name nobody can guess, which is no address */
    email: varchar('email', { length: EMAIL_LENGTH_MAX }).notNull(),
    /** set for a shadow account: the address it was registered under when another account had that already */
    askedEmail: varchar('asked_email', { length: EMAIL_LENGTH_MAX }),
    /** argon2id in PHC string format; accounts under one address share the salt */
    passwordHash: varchar('password_hash', { length: 255 }).notNull(),
    role: mysqlEnum('role', [...ROLES]).notNull(),
    isActive: boolean('is_active').notNull().default(true),
    /** someone else has set the password: it opens nothing until its owner has set another */
    mustChangePassword: boolean('must_change_password').notNull().default(false),
    createdAt: timeColumn('created_at').notNull(),
  },
  (table) => [uniqueIndex('users_email').on(table.email), index('users_asked').on(table.askedEmail, table.passwordHash)],
);
