import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../db/client.ts';
import { findWithdrawal, listEventsAfter, type EventRow } from '../../db/repositories/read-withdrawals.ts';
import { isEnd } from '../../domain/status.ts';
import { timelineEntryView } from './view.ts';

const POLL_MS = 500;
const HEARTBEAT_MS = 15_000;
/** Told to the client: how soon to come back when the connection breaks. */
const RECONNECT_MS = 2_000;

/** A Server-Sent Event: its id is what `Last-Event-ID` brings back. https://html.spec.whatwg.org/multipage/server-sent-events.html */
function frame(event: EventRow): string {
  return `id: ${event.id}\ndata: ${JSON.stringify(timelineEntryView(event))}\n\n`;
}

/** True when nothing will come after the event `afterId` any more. */
export async function hasNothingMore(db: Database, requestId: string, afterId: number): Promise<boolean> {
  // The status first: an end read before the events has all of its events.
  const row = await findWithdrawal(db, requestId, 'all');
  return row !== undefined && isEnd(row.status) && (await listEventsAfter(db, requestId, afterId)).length === 0;
}

/**
 * The timeline after `afterId` as a stream of text, as it grows; ends after the end status, when `signal` aborts, or
 * after `durationMs`, when the client comes back with its last id. Throws what the database throws: the client
 * comes back then, too.
 */
export async function* eventStream(db: Database, options: { requestId: string; afterId: number; durationMs: number; signal: AbortSignal }): AsyncGenerator<string> {
  const { requestId, durationMs, signal } = options;
  const endsAt = Date.now() + durationMs;
  let afterId = options.afterId;
  let spokeAt = Date.now();
  yield `retry: ${RECONNECT_MS}\n\n`;
  while (!signal.aborted && Date.now() < endsAt) {
    const row = await findWithdrawal(db, requestId, 'all');
    const events = await listEventsAfter(db, requestId, afterId);
    for (const event of events) {
      afterId = event.id;
      spokeAt = Date.now();
      yield frame(event);
    }
    if (!row || isEnd(row.status)) return;
    if (Date.now() - spokeAt >= HEARTBEAT_MS) {
      spokeAt = Date.now();
      yield ': heartbeat\n\n';
    }
    await sleep(POLL_MS, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
