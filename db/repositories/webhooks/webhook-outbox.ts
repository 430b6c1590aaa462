import { randomBytes } from 'node:crypto';
import { and, eq, isNull } from 'drizzle-orm';
import type { WithdrawalStatus } from '../../../domain/status.ts';
import { webhookPayload, webhookTypeOf } from '../../../domain/webhook-events.ts';
import type { Queryable } from '../../client.ts';
import { webhookDeliveries, webhookEndpoints, withdrawalRequests } from '../../schema/index.ts';

const MESSAGE_ID_BYTES = 12;

export interface StatusEntered {
  /** of the timeline entry */
  eventId: number;
  /** the timeline's type */
  event: string;
  requestId: string;
  status: WithdrawalStatus;
  at: Date;
}

/**
 * Writes a message for every endpoint that wants to be told of a status change, in the transaction that makes it: told exactly if it
 * happened. The withdrawal is frozen as this transaction sees it. Where its owner has no endpoint it is one look into an index.
 * Called twice for one event, the unique key refuses the second.
 */
export async function queueNotifications(tx: Queryable, { eventId, event, requestId, status, at }: StatusEntered): Promise<void> {
  const type = webhookTypeOf(status, event);
  if (type === null) return;
  const rows = await tx
    .select({ endpoint: { id: webhookEndpoints.id, events: webhookEndpoints.events }, withdrawal: withdrawalRequests })
    .from(withdrawalRequests)
    .innerJoin(webhookEndpoints, eq(webhookEndpoints.ownerId, withdrawalRequests.ownerId))
    .where(and(eq(withdrawalRequests.requestId, requestId), isNull(webhookEndpoints.deletedAt), isNull(webhookEndpoints.offAt)));
  const told = rows.filter(({ endpoint }) => endpoint.events === null || endpoint.events.includes(type));
  const [first] = told;
  if (!first) return;
  const message = {
    eventId,
    messageId: `msg-${randomBytes(MESSAGE_ID_BYTES).toString('hex')}`,
    requestId,
    type,
    payload: webhookPayload(type, eventId, at, { ...first.withdrawal, status }),
    state: 'PENDING' as const,
    startAt: at,
    nextAttemptAt: at,
    createdAt: at,
  };
  await tx.insert(webhookDeliveries).values(told.map(({ endpoint }) => ({ ...message, endpointId: endpoint.id })));
}
