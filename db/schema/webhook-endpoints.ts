import { bigint, index, int, mysqlEnum, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import type { WebhookEventType } from '../../domain/webhook-events.ts';
import { WEBHOOK_OFF_REASONS } from '../../domain/webhooks.ts';
import { jsonColumn, timeColumn } from './columns.ts';

/** Where an owner wants to be told of his withdrawals. Exists so that each status change is told to whoever asked for it. */
export const webhookEndpoints = mysqlTable(
  'webhook_endpoints',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    ownerId: int('owner_id').notNull(),
    url: varchar('url', { length: 2048 }).notNull(),
    description: varchar('description', { length: 255 }).notNull(),
    /** null: all of them, also those that come with a later version */
    events: jsonColumn('events', 'varchar(1024)').$type<WebhookEventType[]>(),
    /** set together: since when, and why, it gets nothing */
    offAt: timeColumn('off_at'),
    offReason: mysqlEnum('off_reason', [...WEBHOOK_OFF_REASONS]),
    /** the first failed attempt after the last success; null while it answers */
    failingSince: timeColumn('failing_since'),
    createdAt: timeColumn('created_at').notNull(),
    updatedAt: timeColumn('updated_at').notNull(),
    /** a removed endpoint keeps its row, so that what was under way finds out */
    deletedAt: timeColumn('deleted_at'),
  },
  (table) => [index('webhook_endpoints_owner').on(table.ownerId, table.deletedAt, table.id), index('webhook_endpoints_kept').on(table.deletedAt, table.id)],
);
