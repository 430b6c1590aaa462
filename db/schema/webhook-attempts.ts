import { bigint, int, mysqlTable, primaryKey, varchar } from 'drizzle-orm/mysql-core';
import type { AttemptError } from '../../domain/webhooks.ts';
import { timeColumn } from './columns.ts';

/** Each request that was made to a receiver. Exists so that an owner sees why a message does not arrive. */
export const webhookAttempts = mysqlTable(
  'webhook_attempts',
  {
    deliveryId: bigint('delivery_id', { mode: 'number' }).notNull(),
    /** from 1, through all rounds */
    ordinal: int('ordinal').notNull(),
    startedAt: timeColumn('started_at').notNull(),
    durationMs: int('duration_ms').notNull(),
    statusCode: int('status_code'),
    error: varchar('error', { length: 32 }).$type<AttemptError>(),
    /** how the answer's body begins */
    response: varchar('response', { length: 256 }),
  },
  (table) => [primaryKey({ columns: [table.deliveryId, table.ordinal] })],
);
