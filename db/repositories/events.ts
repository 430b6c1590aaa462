import type { WithdrawalStatus } from '../../domain/status.ts';
import type { Queryable } from '../client.ts';
import { withdrawalEvents } from '../schema/index.ts';

export interface TimelineEntry {
  requestId: string;
  type: string;
  status?: WithdrawalStatus;
  detail?: Record<string, string | number | null>;
}

/** Appends to the timeline. Not idempotent: write it in the transaction of the change it tells of. */
export async function appendEvent(queryable: Queryable, entry: TimelineEntry): Promise<void> {
  await queryable.insert(withdrawalEvents).values({ requestId: entry.requestId, type: entry.type, status: entry.status ?? null, detail: entry.detail ?? {}, createdAt: new Date() });
}
