import { bigint, index, int, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import type { AlertKind } from '../../domain/alerts.ts';
import { detailColumn, timeColumn } from './columns.ts';

/** What a person was called for. Exists so that one condition calls once, however many processes see it, and its end is on record. */
export const alerts = mysqlTable(
  'alerts',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    kind: varchar('kind', { length: 64 }).$type<AlertKind>().notNull(),
    chainId: int('chain_id').notNull(),
    /** what it is about: a wallet's address, a requestId, a transaction's hash */
    subject: varchar('subject', { length: 128 }).notNull(),
    /** `kind:subject` while open, null afterwards: unique, so a condition is open once */
    openKey: varchar('open_key', { length: 191 }),
    detail: detailColumn('detail').notNull(),
    /** how often it was seen while open */
    timesSeen: int('times_seen').notNull().default(1),
    raisedAt: timeColumn('raised_at').notNull(),
    seenAt: timeColumn('seen_at').notNull(),
    resolvedAt: timeColumn('resolved_at'),
  },
  (table) => [uniqueIndex('alerts_open').on(table.openKey), index('alerts_raised').on(table.raisedAt), index('alerts_waiting').on(table.resolvedAt, table.id), index('alerts_subject').on(table.subject, table.kind)],
);
