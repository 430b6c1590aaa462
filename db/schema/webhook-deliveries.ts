import { bigint, index, int, mysqlEnum, mysqlTable, text, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import type { WebhookEventType } from '../../domain/webhook-events.ts';
import { DELIVERY_STATES } from '../../domain/webhooks.ts';
import { requestIdColumn, timeColumn } from './columns.ts';

/**
 * One message to one endpoint. Exists because MySQL and Temporal cannot commit together: written in the transaction of the status
 * change it tells of, sent by a workflow that is started until it has run.
 */
export const webhookDeliveries = mysqlTable(
  'webhook_deliveries',
  {
    id: bigint('id', { mode: 'number' }).autoincrement().primaryKey(),
    endpointId: bigint('endpoint_id', { mode: 'number' }).notNull(),
    /** the timeline entry it tells of */
    eventId: bigint('event_id', { mode: 'number' }).notNull(),
    /** `webhook-id`: random, because ids of a restored database come again; the same for all endpoints of an event, and for ever */
    messageId: varchar('message_id', { length: 64 }).notNull(),
    requestId: requestIdColumn('request_id').notNull(),
    type: varchar('type', { length: 64 }).$type<WebhookEventType>().notNull(),
    /** the body, byte for byte */
    payload: text('payload').notNull(),
    state: mysqlEnum('state', [...DELIVERY_STATES]).notNull(),
    /** 1, and one more with each redelivery by hand */
    round: int('round').notNull().default(1),
    /** in all rounds */
    attempts: int('attempts').notNull().default(0),
    /** in this round */
    failures: int('failures').notNull().default(0),
    /** when the workflow is to be started unless an attempt was recorded before; null once it has ended */
    startAt: timeColumn('start_at'),
    nextAttemptAt: timeColumn('next_attempt_at'),
    createdAt: timeColumn('created_at').notNull(),
    endedAt: timeColumn('ended_at'),
  },
  (table) => [
    // Whatever runs twice, an endpoint has one message of an event.
    uniqueIndex('webhook_deliveries_event').on(table.endpointId, table.eventId),
    index('webhook_deliveries_endpoint').on(table.endpointId, table.id),
    index('webhook_deliveries_start').on(table.startAt, table.id),
    index('webhook_deliveries_ended').on(table.endedAt),
  ],
);
