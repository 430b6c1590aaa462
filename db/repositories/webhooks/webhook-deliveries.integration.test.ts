import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { listOpenAlerts } from '../operations/alerts.ts';
import { range } from '../repositories.testkit.ts';
import { findDelivery, listDueDeliveries, noteStarted, recordAttempt, redeliver, removeOldDeliveries, type AddressedDelivery, type AttemptRecord } from './webhook-deliveries.ts';
import { findEndpoint } from './webhook-endpoints.ts';
import { deliveriesOf, newDelivery, newEndpoint } from './webhooks.testkit.ts';

const CHAIN_ID = 80_002;
const HOUR_MS = 3_600_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

async function found(id: number): Promise<AddressedDelivery> {
  const row = await findDelivery(database.db, id);
  if (!row) throw new Error('no such message');
  return row;
}
const now = new Date();
const options = { now, restartAfterMs: 300_000, failingSinceBefore: new Date(now.getTime() - HOUR_MS), chainId: CHAIN_ID };
const outcome = (verdict: AttemptRecord['verdict'], startedAt = now): AttemptRecord => ({ startedAt, durationMs: 12, statusCode: verdict.kind === 'delivered' ? 204 : 500, error: null, response: 'text', verdict });
const attemptsOf = (deliveryId: number) => database.db.query.webhookAttempts.findMany({ where: (table, { eq }) => eq(table.deliveryId, deliveryId) });
const endpointOf = (id: number) => findEndpoint(database.db, id, 'all');

describe('recordAttempt', () => {
  it('ends a message that was delivered, once, however many executions sent it', async () => {
    const { id: endpointId } = await newEndpoint(database.db, { failingSince: now });
    const seen = await found(await newDelivery(database.db, endpointId));
    const results = await Promise.all(range(5).map(() => recordAttempt(database.db, seen, outcome({ kind: 'delivered' }), options)));
    expect(results.toSorted()).toEqual(['recorded', 'stale', 'stale', 'stale', 'stale']);
    expect((await found(seen.delivery.id)).delivery).toMatchObject({ state: 'DELIVERED', attempts: 1, failures: 0, startAt: null, nextAttemptAt: null, endedAt: now });
    expect(await attemptsOf(seen.delivery.id)).toMatchObject([{ ordinal: 1, statusCode: 204, durationMs: 12 }]);
    expect((await endpointOf(endpointId))?.failingSince).toBeNull();
  });

  it('says when a failed one is due again, and since when the endpoint fails', async () => {
    const { id: endpointId } = await newEndpoint(database.db);
    const id = await newDelivery(database.db, endpointId);
    await recordAttempt(database.db, await found(id), outcome({ kind: 'retry', waitMs: 10_000 }), options);
    await recordAttempt(database.db, await found(id), outcome({ kind: 'retry', waitMs: 60_000 }, new Date(now.getTime() + 10_000)), options);
    expect((await found(id)).delivery).toMatchObject({ state: 'PENDING', attempts: 2, failures: 2, nextAttemptAt: new Date(now.getTime() + 60_000), startAt: new Date(now.getTime() + 360_000), endedAt: null });
    expect((await endpointOf(endpointId))?.failingSince).toEqual(now);
  });

  it('switches an endpoint off when it is gone, without calling anybody', async () => {
    const { id: endpointId } = await newEndpoint(database.db);
    expect(await recordAttempt(database.db, await found(await newDelivery(database.db, endpointId)), outcome({ kind: 'gone' }), options)).toBe('switched-off');
    expect(await endpointOf(endpointId)).toMatchObject({ offAt: now, offReason: 'GONE' });
    expect(await listOpenAlerts(database.db, `webhook-${endpointId}`)).toEqual([]);
  });

  it('switches one off that has failed for too long, when a message is given up, and calls a person once', async () => {
    const failingSince = new Date(now.getTime() - HOUR_MS - 1);
    const { id: endpointId } = await newEndpoint(database.db, { failingSince });
    const [first, second, third] = [await newDelivery(database.db, endpointId), await newDelivery(database.db, endpointId), await newDelivery(database.db, endpointId)];
    expect(await recordAttempt(database.db, await found(third), outcome({ kind: 'retry', waitMs: 1 }), options)).toBe('recorded');
    expect((await endpointOf(endpointId))?.offAt).toBeNull();
    const results = await Promise.all([first, second].map(async (id) => recordAttempt(database.db, await found(id), outcome({ kind: 'exhausted' }), options)));
    expect(results.toSorted()).toEqual(['recorded', 'switched-off']);
    expect(await endpointOf(endpointId)).toMatchObject({ offReason: 'FAILING', failingSince });
    expect(await listOpenAlerts(database.db, `webhook-${endpointId}`)).toMatchObject([{ kind: 'WEBHOOK_DISABLED', timesSeen: 1, detail: { failingSince: failingSince.toISOString() } }]);
  });

  it('gives up a message without switching off what has not failed for long', async () => {
    const { id: endpointId } = await newEndpoint(database.db, { failingSince: new Date(now.getTime() - HOUR_MS + 1) });
    expect(await recordAttempt(database.db, await found(await newDelivery(database.db, endpointId)), outcome({ kind: 'exhausted' }), options)).toBe('recorded');
    expect((await endpointOf(endpointId))?.offAt).toBeNull();
  });
});

describe('redeliver', () => {
  it('begins a new round of an ended message once, with its id and body, and lets no older round record anything', async () => {
    const { id: endpointId } = await newEndpoint(database.db);
    const id = await newDelivery(database.db, endpointId, { state: 'FAILED', failures: 9, attempts: 9, startAt: null, endedAt: now });
    const seen = await found(id);
    const results = await Promise.all(range(4).map(() => redeliver(database.db, endpointId, id, now)));
    expect(results.filter((result) => result === 'under-way')).toHaveLength(3);
    expect((await found(id)).delivery).toMatchObject({ state: 'PENDING', round: 2, failures: 0, attempts: 9, messageId: seen.delivery.messageId, payload: seen.delivery.payload, startAt: now, endedAt: null });
    expect(await recordAttempt(database.db, seen, outcome({ kind: 'delivered' }), options)).toBe('stale');
    expect(await redeliver(database.db, endpointId + 1, id, now)).toBe('not-found');
  });
});

describe('listDueDeliveries', () => {
  it('names what is due, oldest first, and what was not heard of in time; a record made meanwhile is not overwritten', async () => {
    const { id: endpointId } = await newEndpoint(database.db);
    const at = (ms: number) => new Date(now.getTime() + ms);
    const later = await newDelivery(database.db, endpointId, { startAt: at(5_000) });
    const [newer, older] = [await newDelivery(database.db, endpointId, { startAt: at(-1_000) }), await newDelivery(database.db, endpointId, { startAt: at(-2_000) })];
    const mine = async (when: Date) => (await listDueDeliveries(database.db, when, 1_000)).filter(({ id }) => [later, newer, older].includes(id));
    const due = await mine(now);
    expect(due.map(({ id }) => id)).toEqual([older, newer]);

    await recordAttempt(database.db, await found(older), outcome({ kind: 'delivered' }), options);
    for (const row of due) await noteStarted(database.db, row, at(300_000));
    expect((await found(older)).delivery).toMatchObject({ state: 'DELIVERED', startAt: null });
    expect((await mine(now)).map(({ id }) => id)).toEqual([]);
    expect((await mine(at(5_000))).map(({ id }) => id)).toEqual([later]);
    expect((await mine(at(300_000))).map(({ id }) => id)).toEqual([later, newer]);
  });
});

describe('removeOldDeliveries', () => {
  it('removes what ended long ago with its attempts, and nothing that is under way', async () => {
    const { id: endpointId } = await newEndpoint(database.db);
    const long = new Date('2020-01-01T00:00:00.000Z');
    const old = await newDelivery(database.db, endpointId);
    await recordAttempt(database.db, await found(old), outcome({ kind: 'delivered' }), { ...options, now: long });
    const waiting = await newDelivery(database.db, endpointId, { createdAt: long });
    const fresh = await newDelivery(database.db, endpointId, { state: 'DELIVERED', startAt: null, endedAt: now });
    expect(await removeOldDeliveries(database.db, new Date('2021-01-01T00:00:00.000Z'), 100)).toBe(1);
    expect((await deliveriesOf(database.db, endpointId)).map(({ id }) => id)).toEqual([waiting, fresh]);
    expect(await attemptsOf(old)).toEqual([]);
  });
});
