import type { WithdrawalStatus } from '../../../domain/status.ts';
import type { Queryable } from '../../client.ts';
import { withdrawalEvents } from '../../schema/index.ts';
import { queueNotifications } from '../webhooks/webhook-outbox.ts';

export interface TimelineEntry {
  requestId: string;
  type: string;
  status?: WithdrawalStatus;
  detail?: Record<string, string | number | null>;
}

/**
 * Appends to the timeline, and queues the notifications of a status that was entered. Not idempotent: write it in the transaction
 * of the change it tells of.
 */
export async function appendEvent(queryable: Queryable, { requestId, type, status, detail = {} }: TimelineEntry): Promise<void> {
  const at = new Date();
  const [{ insertId: eventId }] = await queryable.insert(withdrawalEvents).values({ requestId, type, status: status ?? null, detail, createdAt: at });
  if (status !== undefined) await queueNotifications(queryable, { eventId, event: type, requestId, status, at });
}
