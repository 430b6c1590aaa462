import { fileURLToPath } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { AttemptInput } from '../../activities/index.ts';
import { makeAttemptDelivery } from '../../activities/webhooks/attempt-delivery.ts';
import { createEndpointSlots } from '../../activities/webhooks/endpoint-slots.ts';
import { startReceiver, type Receiver } from '../../activities/webhooks/receiver.testkit.ts';
import { resolveHost } from '../../activities/webhooks/resolve-host.ts';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { findEndpoint } from '../../db/repositories/webhooks/webhook-endpoints.ts';
import { newDelivery, newEndpoint } from '../../db/repositories/webhooks/webhooks.testkit.ts';
import { createLogger } from '../../db/observability/logger.ts';
import { loadSettings } from '../../scripts/sandbox/load-settings.ts';
import { startDelivery } from '../../temporal-config/start-delivery.ts';
import { deliveryWorkflowIdOf } from '../../domain/webhooks.ts';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import { createTestDatabase, type TestDatabase } from '../harness/database.ts';
import { SEALED_PAYLOADS } from '../harness/payloads.ts';
import { startTimeSkipping } from '../harness/time-skipping.ts';

const HOUR_MS = 3_600_000;
const settings = loadSettings(fileURLToPath(new URL('../../docker/settings/sandbox.json', import.meta.url)));
const { retryWaitsSeconds } = settings.webhooks;
const webhookKey = randomBytes(32);

let database: TestDatabase;
let env: TestWorkflowEnvironment;
let worker: Worker;
let running: Promise<void>;
let receiver: Receiver;
/** the server's */
let now: Date;
beforeAll(async () => {
  [database, env, receiver] = await Promise.all([createTestDatabase(), startTimeSkipping(), startReceiver()]);
  const attempt = makeAttemptDelivery({ db: database.db, settings, webhookKey, slots: createEndpointSlots(), resolveHost, now: () => now, log: createLogger({ service: 'test', level: 'ERROR' }) });
  worker = await Worker.create({
    connection: env.nativeConnection,
    dataConverter: SEALED_PAYLOADS,
    taskQueue: TASK_QUEUES.notifications,
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    activities: {
      attemptDelivery: async (input: AttemptInput) => {
        now = new Date(await env.currentTimeMs());
        return attempt(input);
      },
    },
  });
  running = worker.run();
});
afterEach(() => {
  receiver.received.length = 0;
});
afterAll(async () => {
  worker.shutdown();
  await running;
  await env.teardown();
  await receiver.close();
  await database.close();
});

/** Messages of an endpoint, due that many hours from now on the server's clock, sent until the last one has ended. */
async function send(endpointId: number, dueInHours: readonly number[] = [0]) {
  now = new Date(await env.currentTimeMs());
  const ids: number[] = [];
  for (const hours of dueInHours) {
    const id = await newDelivery(database.db, endpointId, { createdAt: now, startAt: now, nextAttemptAt: new Date(now.getTime() + hours * HOUR_MS) });
    await startDelivery(env.client, { deliveryId: id, round: 1 });
    ids.push(id);
  }
  // One result only: the clock stands still again after the first that is there.
  await env.client.workflow.getHandle(deliveryWorkflowIdOf(ids.at(-1) ?? 0, 1)).result();
  return Promise.all(ids.map(messageOf));
}

async function sendOne(endpointId: number) {
  const [message] = await send(endpointId);
  if (!message) throw new Error('nothing was sent');
  return message;
}

async function messageOf(id: number) {
  const delivery = await database.db.query.webhookDeliveries.findFirst({ where: (table, { eq }) => eq(table.id, id) });
  const attempts = await database.db.query.webhookAttempts.findMany({ where: (table, { eq }) => eq(table.deliveryId, id), orderBy: (table, { asc }) => asc(table.ordinal) });
  return { delivery, attempts };
}
const hoursBetween = (from: Date | undefined, to: Date | undefined) => ((to?.getTime() ?? 0) - (from?.getTime() ?? 0)) / HOUR_MS;

it('tries for more than a day, by the schedule of the settings, before it gives a message up', async () => {
  const startedAt = Date.now();
  const endpoint = await newEndpoint(database.db, { url: receiver.url, key: webhookKey });
  receiver.answer = 500;
  const { delivery, attempts } = await sendOne(endpoint.id);
  expect(delivery).toMatchObject({ state: 'FAILED', attempts: 9, failures: 9 });
  expect(receiver.received).toHaveLength(9);
  for (const [index, seconds] of retryWaitsSeconds.entries()) {
    const waitedMs = (attempts[index + 1]?.startedAt.getTime() ?? 0) - (attempts[index]?.startedAt.getTime() ?? 0);
    expect(waitedMs).toBeGreaterThanOrEqual(seconds * 1_000);
    // A fifth for jitter, and what the machine takes.
    expect(waitedMs).toBeLessThan(seconds * 1_200 + 60_000);
  }
  const hours = hoursBetween(attempts[0]?.startedAt, attempts.at(-1)?.startedAt);
  expect(hours).toBeGreaterThan(26);
  console.log(`${hours.toFixed(1)} h of attempts took ${((Date.now() - startedAt) / 1_000).toFixed(1)} s`);
  // A day is not long enough to switch an endpoint off.
  expect(await findEndpoint(database.db, endpoint.id, 'all')).toMatchObject({ offAt: null, failingSince: attempts[0]?.startedAt });
}, 120_000);

it('delivers to a receiver that was away for half a day', async () => {
  const endpoint = await newEndpoint(database.db, { url: receiver.url, key: webhookKey });
  const startsAt = await env.currentTimeMs();
  receiver.answer = (response) => response.writeHead(now.getTime() - startsAt > 12 * HOUR_MS ? 204 : 503).end();
  const { delivery, attempts } = await sendOne(endpoint.id);
  expect(delivery).toMatchObject({ state: 'DELIVERED', attempts: 8 });
  expect(hoursBetween(attempts[0]?.startedAt, attempts.at(-1)?.startedAt)).toBeGreaterThan(12);
  expect(new Set(receiver.received.map(({ headers, body }) => headers['webhook-id'] + body)).size).toBe(1);
  expect(await findEndpoint(database.db, endpoint.id, 'all')).toMatchObject({ failingSince: null });
}, 120_000);

it('switches an endpoint off that has taken nothing for three days, and sends it nothing more', async () => {
  const endpoint = await newEndpoint(database.db, { url: receiver.url, key: webhookKey });
  receiver.answer = 404;
  const messages = await send(endpoint.id, [0, 24, 48, 100]);
  const [first, second, third, last] = messages;
  expect(messages.map(({ delivery }) => delivery?.state)).toEqual(['FAILED', 'FAILED', 'FAILED', 'FAILED']);
  const { offReason, offAt, failingSince } = (await findEndpoint(database.db, endpoint.id, 'all')) ?? {};
  expect({ offReason, offAt, failingSince }).toEqual({ offReason: 'FAILING', offAt: third?.delivery?.endedAt, failingSince: first?.attempts[0]?.startedAt });
  expect([first, second, third].map((message) => hoursBetween(failingSince ?? undefined, message?.delivery?.endedAt ?? undefined) >= 72)).toEqual([false, false, true]);
  expect(await listOpenAlerts(database.db, `webhook-${endpoint.id}`)).toMatchObject([{ kind: 'WEBHOOK_DISABLED', timesSeen: 1 }]);
  expect(last?.attempts).toMatchObject([{ error: 'ENDPOINT_OFF', statusCode: null }]);
  expect(receiver.received).toHaveLength(27);
}, 120_000);
