import { setTimeout as sleep } from 'node:timers/promises';
import { RESTART_AFTER_MS } from '../activities/webhooks/attempt-delivery.ts';
import type { Database } from '../db/client.ts';
import type { Logger } from '../db/observability/logger.ts';
import { listDueDeliveries, noteStarted, removeOldDeliveries } from '../db/repositories/webhooks/webhook-deliveries.ts';
import type { WebhookSettings } from '../domain/settings.ts';

export interface DispatcherPorts {
  db: Database;
  settings: { webhooks: Pick<WebhookSettings, 'keepDays'> };
  /** starts a message's workflow, or finds it running */
  startDelivery: (delivery: { deliveryId: number; round: number }) => Promise<void>;
  log: Logger;
}

const LOOK_EVERY_MS = 1_000;
/** After a look that failed. */
const BLIND_MS = 5_000;
const BATCH = 100;
/** Starts under way at once: what moves money asks the same Temporal. */
const STARTS_AT_ONCE = 10;
const CLEAN_EVERY_MS = 60_000;
const CLEAN_BATCH = 500;
const DAY_MS = 86_400_000;

/**
 * Starts the workflows of notifications that were written down, and again of those that were not heard of in time: Temporal was away, or
 * lost them. Safe beside others of its kind: starting is idempotent by workflow id. Removes what is too old to keep. Runs until `signal`
 * aborts.
 */
export async function dispatchWebhooks(ports: DispatcherPorts, signal: AbortSignal): Promise<void> {
  let cleanedAt = 0;
  while (!signal.aborted) {
    let waitMs = LOOK_EVERY_MS;
    try {
      if ((await startDue(ports, new Date())) === BATCH) waitMs = 0;
      if (Date.now() - cleanedAt >= CLEAN_EVERY_MS) {
        cleanedAt = Date.now();
        await clean(ports, signal);
      }
    } catch (error) {
      ports.log.warn({ error }, 'notifications could not be started: they wait');
      waitMs = BLIND_MS;
    }
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * One look. Dies in the middle: what was started is started again, which changes nothing. One that cannot be started keeps no other
 * waiting; where none can, the rest is not tried.
 * @returns how many were due
 */
async function startDue({ db, startDelivery }: Pick<DispatcherPorts, 'db' | 'startDelivery'>, now: Date): Promise<number> {
  const due = await listDueDeliveries(db, now, BATCH);
  const againAt = new Date(now.getTime() + RESTART_AFTER_MS);
  const failures: unknown[] = [];
  for (let next = 0; next < due.length; next += STARTS_AT_ONCE) {
    const results = await Promise.allSettled(
      due.slice(next, next + STARTS_AT_ONCE).map(async (delivery) => {
        await startDelivery({ deliveryId: delivery.id, round: delivery.round });
        await noteStarted(db, delivery, againAt);
      }),
    );
    failures.push(...results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])));
    if (results.every(({ status }) => status === 'rejected')) break;
  }
  if (failures.length > 0) throw new Error(`${failures.length} notifications could not be started`, { cause: failures[0] });
  return due.length;
}

async function clean({ db, settings }: DispatcherPorts, signal: AbortSignal): Promise<void> {
  const endedBefore = new Date(Date.now() - settings.webhooks.keepDays * DAY_MS);
  while (!signal.aborted && (await removeOldDeliveries(db, endedBefore, CLEAN_BATCH)) === CLEAN_BATCH);
}
