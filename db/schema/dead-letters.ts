import { bigint, index, int, mysqlEnum, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import { ERROR_CLASSES, type ErrorCode } from '../../domain/errors.ts';
import { requestIdColumn, timeColumn } from './columns.ts';

/** Each time a withdrawal waited for a person. Exists so that operators see why, since when, and what came of it. */
export const deadLetters = mysqlTable(
  'dead_letters',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    requestId: requestIdColumn('request_id').notNull(),
    /** the requestId while it waits, null afterwards: unique, so a withdrawal waits once */
    openKey: requestIdColumn('open_key'),
    chainId: int('chain_id').notNull(),
    currency: varchar('currency', { length: 16 }).notNull(),
    code: varchar('code', { length: 64 }).$type<ErrorCode>().notNull(),
    class: mysqlEnum('class', [...ERROR_CLASSES]).notNull(),
    /** technical detail for operators */
    reason: varchar('reason', { length: 1024 }).notNull(),
    /** when a person last answered it with a retry that its workflow was told of, and who */
    retrySaidAt: timeColumn('retry_said_at'),
    retrySaidBy: int('retry_said_by'),
    /** how often a person was reminded */
    escalations: int('escalations').notNull().default(0),
    escalatedAt: timeColumn('escalated_at'),
    parkedAt: timeColumn('parked_at').notNull(),
    resolvedAt: timeColumn('resolved_at'),
    /** RETRIED, or the end it reached */
    resolution: varchar('resolution', { length: 32 }),
  },
  (table) => [
    uniqueIndex('dead_letters_open').on(table.openKey),
    index('dead_letters_request').on(table.requestId, table.id),
    index('dead_letters_waiting').on(table.resolvedAt, table.class, table.code, table.id),
    index('dead_letters_parked').on(table.parkedAt, table.id),
  ],
);
