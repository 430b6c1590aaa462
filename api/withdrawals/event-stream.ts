import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../../db/client.ts';
import { isDatabaseUnavailable } from '../../db/connection-lost.ts';
import { findWithdrawal, listEventsAfter, type EventRow } from '../../db/repositories/withdrawals/read-withdrawals.ts';
import { isEnd } from '../../domain/status.ts';
import { timelineEntryView } from './view.ts';

const POLL_MS = 500;
const HEARTBEAT_MS = 15_000;
/** Nothing that is written with the timeline takes this long. */
const SETTLED_MS = 5_000;
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
 * The timeline after `afterId` as a stream of text, as it grows; ends when everything up to the end status was sent, when `signal`
 * aborts, or after `durationMs`, when the client comes back with its last id. A database that is away is waited for. An event is sent
 * once it is certain that none with a lower id is still to come, or the client's next `Last-Event-ID` would skip that one.
 */
export async function* eventStream(db: Database, options: { requestId: string; afterId: number; durationMs: number; signal: AbortSignal }): AsyncGenerator<string> {
  const { requestId, durationMs, signal } = options;
  const endsAt = Date.now() + durationMs;
  let afterId = options.afterId;
  let seenId = 0;
  let spokeAt = Date.now();
  yield `retry: ${RECONNECT_MS}\n\n`;
  while (!signal.aborted && Date.now() < endsAt) {
    const { ended, events } = await look(db, requestId, afterId);
    if (ended && events.length === 0) return;
    for (const event of settledOf(events, seenId)) {
      afterId = event.id;
      spokeAt = Date.now();
      yield frame(event);
    }
    seenId = events.at(-1)?.id ?? seenId;
    if (Date.now() - spokeAt >= HEARTBEAT_MS) {
      spokeAt = Date.now();
      yield ': heartbeat\n\n';
    }
    await sleep(POLL_MS, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

/** What is new. The status first: an end read before the events has all of its events. Nothing while the database is away. */
async function look(db: Database, requestId: string, afterId: number): Promise<{ ended: boolean; events: EventRow[] }> {
  try {
    const row = await findWithdrawal(db, requestId, 'all');
    return { ended: !row || isEnd(row.status), events: await listEventsAfter(db, requestId, afterId) };
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error;
    return { ended: false, events: [] };
  }
}

/**
 * The events up to the first that one with a lower id may still come before: ids are given before the commit. One seen at the look
 * before has had time for what was written beside it.
 */
function settledOf(events: readonly EventRow[], seenId: number): readonly EventRow[] {
  const now = Date.now();
  const unsettled = events.findIndex((event) => event.id > seenId && now - event.createdAt.getTime() <= SETTLED_MS);
  return unsettled === -1 ? events : events.slice(0, unsettled);
}
