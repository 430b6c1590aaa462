import type { Database } from '../../client.ts';
import { webhookDeliveries, webhookEndpoints, webhookSecrets } from '../../schema/index.ts';
import { makeWebhookSecret, sealWebhookSecret } from '../../webhook-secret-seal.ts';
import type { WebhookDeliveryRow } from './webhook-deliveries.ts';

/** An endpoint of an owner, with a secret sealed under `key` where given. */
export async function newEndpoint(db: Database, options: Partial<typeof webhookEndpoints.$inferInsert> & { key?: Uint8Array } = {}): Promise<{ id: number; secret: string }> {
  const { key, ...columns } = options;
  const now = new Date();
  const [{ insertId: id }] = await db.insert(webhookEndpoints).values({ ownerId: 1, url: 'https://shop.example.com/hook', description: '', createdAt: now, updatedAt: now, ...columns });
  const secret = makeWebhookSecret();
  if (key) await db.insert(webhookSecrets).values({ endpointId: id, sealed: sealWebhookSecret(key, id, secret), createdAt: now });
  return { id, secret };
}

let events = 1_000_000;

/** A message that is due, of an event of its own. */
export async function newDelivery(db: Database, endpointId: number, columns: Partial<typeof webhookDeliveries.$inferInsert> = {}): Promise<number> {
  events += 1;
  const now = new Date();
  const message = { endpointId, eventId: events, messageId: `msg-${events}`, requestId: `tx-${events}`, type: 'withdrawal.completed', payload: `{"eventId":${events}}`, state: 'PENDING' } as const;
  const [{ insertId }] = await db.insert(webhookDeliveries).values({ ...message, startAt: now, nextAttemptAt: now, createdAt: now, ...columns });
  return insertId;
}

/** An endpoint's messages, oldest first. */
export function deliveriesOf(db: Database, endpointId: number): Promise<WebhookDeliveryRow[]> {
  return db.query.webhookDeliveries.findMany({ where: (table, { eq }) => eq(table.endpointId, endpointId), orderBy: (table, { asc }) => asc(table.id) });
}
