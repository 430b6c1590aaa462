import { boolean, int, mysqlEnum, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import { ROLES } from '../../domain/status.ts';
import { timeColumn } from './columns.ts';

/** Who may sign in. Exists so that every withdrawal has an owner and every operator's act a name. */
export const users = mysqlTable(
  'users',
  {
    id: int('id').autoincrement().primaryKey(),
    email: varchar('email', { length: 254 }).notNull(),
    /** argon2id in PHC string format */
    passwordHash: varchar('password_hash', { length: 255 }).notNull(),
    role: mysqlEnum('role', [...ROLES]).notNull(),
    isActive: boolean('is_active').notNull().default(true),
    createdAt: timeColumn('created_at').notNull(),
  },
  (table) => [uniqueIndex('users_email').on(table.email)],
);
