import { eq } from 'drizzle-orm';
import { exportJWK, generateKeyPair } from 'jose';
import { Webhook } from 'standardwebhooks';
import { Wallet } from 'ethers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startReceiver, type Receiver } from '../../activities/webhooks/receiver.testkit.ts';
import { createAccessTokens } from '../../api/auth/access-tokens.ts';
import { openSession } from '../../api/auth/open-session.ts';
import { OPEN_BOOKS } from '../../api/api.testkit.ts';
import { buildApp } from '../../api/app.ts';
import { createLogger } from '../../db/observability/logger.ts';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { createUser } from '../../db/repositories/accounts/users.ts';
import { redeliver } from '../../db/repositories/webhooks/webhook-deliveries.ts';
import { addSecret, findEndpoint } from '../../db/repositories/webhooks/webhook-endpoints.ts';
import { deliveriesOf, newDelivery, newEndpoint } from '../../db/repositories/webhooks/webhooks.testkit.ts';
import { makeWebhookSecret, sealWebhookSecret } from '../../db/webhook-secret-seal.ts';
import { webhookDeliveries, webhookEndpoints } from '../../db/schema/index.ts';
import { deliveryWorkflowIdOf } from '../../domain/webhooks.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { openedTexts } from '../harness/payloads.ts';

const WAIT = { timeout: 30_000, interval: 50 };
const TIMEOUT_MS = 2_000;
const WAITS_SECONDS = [0.1, 0.2, 0.4, 0.8, 1.6];
const HOUR_MS = 3_600_000;

/** What the name servers say. */
const names = new Map<string, string[]>();
let engine: TestEngine;
let receiver: Receiver;
const receivers: Receiver[] = [];
beforeAll(async () => {
  engine = await startEngine({
    webhooks: { resolveHost: async (host) => names.get(host) ?? [host] },
    settings: (settings) => ({ ...settings, webhooks: { ...settings.webhooks, timeoutMs: TIMEOUT_MS, retryWaitsSeconds: WAITS_SECONDS } }),
  });
  receiver = await newReceiver();
});
afterEach(() => {
  receiver.answer = 204;
  receiver.received.length = 0;
});
afterAll(async () => {
  for (const each of receivers) await each.close().catch(() => undefined);
  await engine.stop();
});

async function newReceiver(): Promise<Receiver> {
  const made = await startReceiver();
  receivers.push(made);
  return made;
}
const db = () => engine.database.db;
let owners = 1_000;
const endpointAt = (url = receiver.url, columns: Partial<typeof webhookEndpoints.$inferInsert> = {}) => newEndpoint(db(), { ownerId: (owners += 1), url, key: engine.ports.webhookKey, ...columns });
const delivery = async (id: number) => (await db().select().from(webhookDeliveries).where(eq(webhookDeliveries.id, id)))[0];
const attemptsOf = (id: number) => db().query.webhookAttempts.findMany({ where: (table, { eq: is }) => is(table.deliveryId, id), orderBy: (table, { asc }) => asc(table.ordinal) });
const until = (id: number, state: 'DELIVERED' | 'FAILED') => expect.poll(async () => (await delivery(id))?.state, WAIT).toBe(state);
const gotBy = (by: Receiver, id: string) => by.received.filter(({ headers }) => headers['webhook-id'] === id);

describe('a withdrawal', () => {
  it('is told to its owner event by event, each once, signed, in the words of the API', async () => {
    const logger = createLogger({ service: 'api-server', level: 'ERROR' });
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const signingJwk = await exportJWK(privateKey);
    const { sealKey, settings, redis, client: temporal } = engine;
    const { webhookKey } = engine.ports;
    const app = await buildApp({ database: db(), redis, temporal, books: OPEN_BOOKS, settings, sealKey, webhookKey, signingJwk, logger, crashPoint: () => undefined });
    try {
      const owner = await createUser(db(), { email: 'owner@example.com', passwordHash: 'none', role: 'USER', now: new Date() });
      const authorization = `Bearer ${(await openSession(db(), await createAccessTokens(signingJwk), { id: owner, role: 'USER' })).accessToken}`;
      const post = (url: string, payload: object, headers = {}) => app.inject({ method: 'POST', url, headers: { authorization, ...headers }, payload });
      const { id, secret } = (await post('/webhooks', { url: receiver.url })).json<{ id: number; secret: string }>();
      const { requestId } = (await post('/withdrawals', { amount: '2.5', currency: 'USDC', network: 'polygon-amoy', toAddress: Wallet.createRandom().address }, { 'idempotency-key': 'once' })).json<{ requestId: string }>();
      await engine.until(requestId, ['COMPLETED']);
      await expect.poll(async () => (await deliveriesOf(db(), id)).map(({ state }) => state), WAIT).toEqual(['DELIVERED', 'DELIVERED', 'DELIVERED', 'DELIVERED']);

      const messages = receiver.received.map(({ body, headers }) => new Webhook(secret).verify(body, headers) as { type: string; eventId: number; data: Record<string, unknown> });
      const inOrder = messages.toSorted((left, right) => left.eventId - right.eventId);
      expect(inOrder.map(({ type }) => type)).toEqual(['withdrawal.pending', 'withdrawal.broadcasted', 'withdrawal.confirming', 'withdrawal.completed']);
      expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(4);
      const seen = (await app.inject({ url: `/withdrawals/${requestId}`, headers: { authorization } })).json<Record<string, unknown>>();
      expect(seen).toMatchObject(inOrder.at(-1)?.data ?? {});
      expect(inOrder.at(-1)?.data).toMatchObject({ requestId, status: 'COMPLETED', outcome: 'PAID', amount: '2.5', txHash: seen['txHash'] });
    } finally {
      await app.close();
    }
  });
});

describe('a message', () => {
  it('waits for a receiver that is down, and comes with the id and body it always had', async () => {
    const { id: endpointId } = await endpointAt();
    receiver.answer = 500;
    const id = await newDelivery(db(), endpointId);
    await expect.poll(() => receiver.received.length, WAIT).toBeGreaterThanOrEqual(1);
    await receiver.close();
    await expect.poll(async () => (await attemptsOf(id)).some(({ error }) => error === 'CONNECTION_FAILED'), WAIT).toBe(true);
    expect((await findEndpoint(db(), endpointId, 'all'))?.failingSince).toBeInstanceOf(Date);
    receiver.answer = 204;
    await receiver.listen();
    await until(id, 'DELIVERED');
    const bodies = receiver.received.map(({ body, headers }) => ({ body, id: headers['webhook-id'] }));
    const row = await delivery(id);
    expect(new Set(bodies.map((each) => JSON.stringify(each)))).toEqual(new Set([JSON.stringify({ body: row?.payload, id: row?.messageId })]));
    const attempts = await attemptsOf(id);
    expect(attempts.map(({ ordinal }) => ordinal)).toEqual(attempts.map((_, index) => index + 1));
    expect([attempts[0]?.statusCode, attempts.at(-1)?.statusCode]).toEqual([500, 204]);
    expect((await findEndpoint(db(), endpointId, 'all'))?.failingSince).toBeNull();
  });

  it('is given up after the last attempt of the schedule', async () => {
    const { id: endpointId } = await endpointAt();
    receiver.answer = (response) => response.writeHead(503, { 'retry-after': '0' }).end('busy');
    const id = await newDelivery(db(), endpointId);
    await until(id, 'FAILED');
    const attempts = await attemptsOf(id);
    expect(attempts).toHaveLength(WAITS_SECONDS.length + 1);
    expect(attempts.at(-1)).toMatchObject({ statusCode: 503, error: null, response: 'busy' });
    // Never earlier than the schedule says.
    const waits = attempts.slice(1).map(({ startedAt }, index) => startedAt.getTime() - (attempts[index]?.startedAt.getTime() ?? 0));
    for (const [index, seconds] of WAITS_SECONDS.entries()) expect(waits[index]).toBeGreaterThanOrEqual(seconds * 1_000);
    expect(await findEndpoint(db(), endpointId, 'all')).toMatchObject({ offAt: null });
  });

  it('of an endpoint that has failed for long enough switches it off, and calls a person', async () => {
    const { id: endpointId } = await endpointAt(receiver.url, { failingSince: new Date(Date.now() - 73 * HOUR_MS) });
    receiver.answer = 500;
    await until(await newDelivery(db(), endpointId), 'FAILED');
    expect(await findEndpoint(db(), endpointId, 'all')).toMatchObject({ offReason: 'FAILING', offAt: expect.any(Date) });
    expect(await listOpenAlerts(db(), `webhook-${endpointId}`)).toMatchObject([{ kind: 'WEBHOOK_DISABLED' }]);
  });

  it('that is answered with 410 ends its endpoint: what else was waiting is not sent', async () => {
    const { id: endpointId } = await endpointAt();
    receiver.answer = 410;
    const waiting = await newDelivery(db(), endpointId, { startAt: new Date(Date.now() + HOUR_MS) });
    const gone = await newDelivery(db(), endpointId);
    await until(gone, 'FAILED');
    await db().update(webhookDeliveries).set({ startAt: new Date() }).where(eq(webhookDeliveries.id, waiting));
    await until(waiting, 'FAILED');
    expect(await findEndpoint(db(), endpointId, 'all')).toMatchObject({ offReason: 'GONE' });
    expect(await attemptsOf(gone)).toMatchObject([{ statusCode: 410 }]);
    expect(await attemptsOf(waiting)).toMatchObject([{ statusCode: null, error: 'ENDPOINT_OFF' }]);
    expect(receiver.received).toHaveLength(1);
    expect(await listOpenAlerts(db(), `webhook-${endpointId}`)).toEqual([]);
  });

  it('is sent again by hand under the same id, as often as asked', async () => {
    const { id: endpointId } = await endpointAt();
    const id = await newDelivery(db(), endpointId);
    for (const times of [1, 2, 3]) {
      await until(id, 'DELIVERED');
      expect(gotBy(receiver, (await delivery(id))?.messageId ?? '')).toHaveLength(times);
      if (times < 3) await redeliver(db(), endpointId, id, new Date());
    }
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(await attemptsOf(id)).toHaveLength(3);
  });

  it('is signed with every live secret, and with none that has expired', async () => {
    const endpoint = await endpointAt();
    const next = makeWebhookSecret();
    const last = makeWebhookSecret();
    const rotate = (secret: string, overlapMs: number) => addSecret(db(), endpoint.id, { seal: (id) => sealWebhookSecret(engine.ports.webhookKey, id, secret), overlapEndsAt: new Date(Date.now() + overlapMs), liveMax: 3, now: new Date() });
    const accepted = async (secret: string) => {
      await until(await newDelivery(db(), endpoint.id), 'DELIVERED');
      const got = receiver.received.at(-1);
      try {
        new Webhook(secret).verify(got?.body ?? '', got?.headers ?? {});
        return true;
      } catch {
        return false;
      }
    };
    expect([await accepted(endpoint.secret), await accepted(next)]).toEqual([true, false]);
    await rotate(next, HOUR_MS);
    expect([await accepted(endpoint.secret), await accepted(next)]).toEqual([true, true]);
    await rotate(last, 0);
    expect([await accepted(endpoint.secret), await accepted(next), await accepted(last)]).toEqual([false, false, true]);
  });

  it('is not sent to a name that resolves to a forbidden address', async () => {
    names.set('shop.example.com', ['127.0.0.1']);
    names.set('inside.example.com', ['127.0.0.1', '169.254.169.254']);
    const good = await newDelivery(db(), (await endpointAt(`http://shop.example.com:${receiver.port}/`)).id);
    const bad = await newDelivery(db(), (await endpointAt(`http://inside.example.com:${receiver.port}/`)).id);
    await until(good, 'DELIVERED');
    await until(bad, 'FAILED');
    expect(receiver.received).toHaveLength(1);
    expect(new Set((await attemptsOf(bad)).map(({ error }) => error))).toEqual(new Set(['ADDRESS_REFUSED']));
  });

  it('is not sent unsigned, and that is not held against its receiver', async () => {
    const { id: endpointId } = await endpointAt(receiver.url, { failingSince: null });
    const other = await newEndpoint(db(), { ownerId: (owners += 1), url: receiver.url, key: Buffer.alloc(32) });
    const id = await newDelivery(db(), other.id);
    await until(id, 'FAILED');
    await until(await newDelivery(db(), endpointId), 'DELIVERED');
    expect(receiver.received).toHaveLength(1);
    expect(new Set((await attemptsOf(id)).map(({ error }) => error))).toEqual(new Set(['SECRET_UNREADABLE']));
    expect(await findEndpoint(db(), other.id, 'all')).toMatchObject({ failingSince: null, offAt: null });
  });

  it('leaves nothing in its history but ids', async () => {
    const endpoint = await endpointAt();
    receiver.answer = 500;
    const id = await newDelivery(db(), endpoint.id, { payload: '{"note":"payload-mark"}' });
    await expect.poll(async () => (await delivery(id))?.attempts, WAIT).toBeGreaterThanOrEqual(2);
    receiver.answer = 204;
    await until(id, 'DELIVERED');
    const raw = await engine.client.workflow.getHandle(deliveryWorkflowIdOf(id, 1)).fetchHistory();
    const history = JSON.stringify(raw);
    const texts = (await openedTexts(raw)).join(' ');
    expect(texts).toContain(`"deliveryId":${id}`);
    for (const secret of [endpoint.secret, endpoint.secret.slice(6, 20), receiver.url, 'payload-mark', '127.0.0.1']) expect(history + texts).not.toContain(secret);
  });
});

describe('whatever fails', () => {
  it('a worker that stops in the middle of a request leaves it to the next one', async () => {
    const { id: endpointId } = await endpointAt();
    receiver.answer = () => undefined;
    const id = await newDelivery(db(), endpointId);
    await expect.poll(() => receiver.open(), WAIT).toBe(1);
    await engine.stopRoles();
    expect(await delivery(id)).toMatchObject({ state: 'PENDING' });
    receiver.answer = 204;
    await engine.startRoles();
    await until(id, 'DELIVERED');
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([(await delivery(id))?.messageId]));
    expect((await attemptsOf(id)).filter(({ statusCode }) => statusCode === 204)).toHaveLength(1);
  });

  it('a workflow that Temporal lost is started again', async () => {
    const { id: endpointId } = await endpointAt();
    receiver.answer = (response) => response.writeHead(503, { 'retry-after': '3600' }).end();
    const id = await newDelivery(db(), endpointId);
    await expect.poll(async () => (await delivery(id))?.attempts, WAIT).toBe(1);
    await engine.client.workflow.getHandle(deliveryWorkflowIdOf(id, 1)).terminate('lost');
    receiver.answer = 204;
    // As after the hour the receiver asked for, and the time a workflow is waited for.
    await db().update(webhookDeliveries).set({ nextAttemptAt: new Date(), startAt: new Date() }).where(eq(webhookDeliveries.id, id));
    await until(id, 'DELIVERED');
    expect(receiver.received).toHaveLength(2);
  });

  it('a workflow that is started again too early waits until the message is due', async () => {
    const { id: endpointId } = await endpointAt();
    const dueAt = new Date(Date.now() + 3_000);
    const id = await newDelivery(db(), endpointId, { nextAttemptAt: dueAt });
    await until(id, 'DELIVERED');
    const [attempt] = await attemptsOf(id);
    // The allowance for clocks that differ.
    expect(attempt?.startedAt.getTime()).toBeGreaterThanOrEqual(dueAt.getTime() - 1_000);
  });

  it('a receiver that hangs keeps no other waiting, and takes ten requests at most', async () => {
    const hanging = await newReceiver();
    hanging.answer = () => undefined;
    const stuck = await endpointAt(hanging.url);
    const well = await endpointAt();
    for (let count = 0; count < 40; count += 1) await newDelivery(db(), stuck.id);
    await expect.poll(() => hanging.open(), WAIT).toBe(10);
    const startedAt = Date.now();
    const ids = [];
    for (let count = 0; count < 10; count += 1) ids.push(await newDelivery(db(), well.id));
    let openMax = 0;
    for (const id of ids) {
      await until(id, 'DELIVERED');
      openMax = Math.max(openMax, hanging.open());
    }
    console.log(`ten messages beside forty to a receiver that hangs: ${Date.now() - startedAt} ms`);
    expect(openMax).toBeLessThanOrEqual(10);
    // Once it is known to fail it is tried with one at a time.
    await expect.poll(() => hanging.open(), WAIT).toBe(1);
    await db().update(webhookEndpoints).set({ offAt: new Date(), offReason: 'OWNER' }).where(eq(webhookEndpoints.id, stuck.id));
  });

  it('two processes that dispatch and send at once send each message once', async () => {
    const fleet = await engine.startFleet('same');
    const { id: endpointId } = await endpointAt();
    const ids = [];
    for (let count = 0; count < 60; count += 1) ids.push(await newDelivery(db(), endpointId));
    await expect.poll(async () => (await deliveriesOf(db(), endpointId)).filter(({ state }) => state === 'DELIVERED').length, WAIT).toBe(60);
    expect(receiver.received).toHaveLength(60);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(60);
    await fleet.stop();
  });
});
