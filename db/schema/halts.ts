import { mysqlEnum, mysqlTable, primaryKey, varchar } from 'drizzle-orm/mysql-core';
import { HALT_KINDS, HALT_SCOPES } from '../../domain/halts.ts';
import { timeColumn } from './columns.ts';

/** What stands still, and why. Exists so that every process sees a stop at its next look, just before it signs or sends. */
export const halts = mysqlTable(
  'halts',
  {
    scope: mysqlEnum('scope', [...HALT_SCOPES]).notNull(),
    /** `*`, a chain id, a token's or a wallet's address, or `native` */
    target: varchar('target', { length: 64 }).notNull(),
    kind: mysqlEnum('kind', [...HALT_KINDS]).notNull(),
    reason: varchar('reason', { length: 255 }).notNull(),
    setBy: varchar('set_by', { length: 128 }).notNull(),
    createdAt: timeColumn('created_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.scope, table.target, table.kind] })],
);
