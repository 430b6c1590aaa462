import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { raiseAlert, listOpenAlerts } from '../../../db/repositories/operations/alerts.ts';
import { deliveriesOf, newDelivery } from '../../../db/repositories/webhooks/webhooks.testkit.ts';
import { openWebhookSecret } from '../../../db/webhook-secret-seal.ts';
import { webhookDeliveries, webhookEndpoints } from '../../../db/schema/index.ts';
import { eq } from 'drizzle-orm';
import { startTestApi, type TestAccount, type TestApi } from '../../api.testkit.ts';
import type { WebhookDeliveryView, WebhookView } from '../../schemas/webhook.ts';
import { acceptOne } from '../../withdrawals.testkit.ts';

const URL_GIVEN = 'https://shop.example.com/hooks';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ temporalAddress: '127.0.0.1:9' });
});
afterAll(() => api.close());

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
const call = (method: Method, url: string, options: { body?: unknown; account?: TestAccount | null; language?: string } = {}) => {
  const { body, account = api.user, language } = options;
  const headers = { ...(account && { authorization: account.bearer }), ...(body !== undefined && { 'content-type': 'application/json' }), ...(language && { 'accept-language': language }) };
  return api.app.inject({ method, url, headers, ...(body !== undefined && { payload: JSON.stringify(body) }) });
};
type Created = WebhookView & { secret: string };
async function create(body: object = {}, account?: TestAccount): Promise<Created> {
  const response = await call('POST', '/webhooks', { body: { url: URL_GIVEN, ...body }, ...(account && { account }) });
  expect(response.statusCode).toBe(201);
  return response.json<Created>();
}
const remove = (id: number) => call('DELETE', `/webhooks/${id}`);
const secretsOf = (endpointId: number) => api.database.db.query.webhookSecrets.findMany({ where: (table, { eq: is }) => is(table.endpointId, endpointId), orderBy: (table, { asc }) => asc(table.id) });

describe('a webhook', () => {
  it('is made with a secret that is shown once, stored sealed, and in no log line', async () => {
    const { secret, ...webhook } = await create({ events: ['withdrawal.completed'], description: 'production' });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(webhook).toEqual({
      id: expect.any(Number), ownerId: api.user.id, url: URL_GIVEN, description: 'production', events: ['withdrawal.completed'], enabled: true, disabledReason: null, disabledAt: null, failingSince: null,
      secrets: [{ createdAt: expect.any(String), expiresAt: null }], createdAt: expect.any(String), updatedAt: expect.any(String),
    });
    expect((await call('GET', `/webhooks/${webhook.id}`)).json()).toEqual(webhook);
    expect((await call('GET', '/webhooks')).json()).toMatchObject({ items: [webhook], nextCursor: null });
    const [stored] = await secretsOf(webhook.id);
    expect(stored?.sealed).not.toContain(secret.slice(6, 16));
    expect(openWebhookSecret(api.webhookKey, webhook.id, stored?.sealed ?? '')).toBe(secret);
    expect(api.logText()).toContain(`"accountId":${api.user.id},"webhookId":${webhook.id},"host":"shop.example.com"`);
    expect(api.logText()).not.toMatch(/whsec_|production/);
    await remove(webhook.id);
  });

  it.each([
    [{ url: 'http://shop.example.com:22/' }, 'url', 'port'],
    [{ url: 'ftp://shop.example.com/' }, 'url', 'scheme'],
    [{ url: 'https://user:pw@shop.example.com/' }, 'url', 'credentials'],
    [{ url: 'https://169.254.169.254/latest' }, 'url', 'private-address'],
    [{ url: 'not a url' }, 'url', 'malformed'],
    [{ url: 7 }, 'url', 'type'],
    [{ url: URL_GIVEN, events: [] }, 'events', 'minItems'],
    [{ url: URL_GIVEN, events: ['withdrawal.signed'] }, 'events.0', 'enum'],
    [{ url: URL_GIVEN, secret: 'mine' }, 'secret', 'additionalProperties'],
    [{}, 'url', 'required'],
  ])('is refused with %j: %s, %s', async (body, field, reason) => {
    const response = await call('POST', '/webhooks', { body });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ error: { code: 'VALIDATION_FAILED' }, details: [{ field, reason }] });
  });

  it('is nobody\'s without a session, and not there for a stranger; an ADMIN sees and changes all', async () => {
    const { id } = await create();
    const delivery = await newDelivery(api.database.db, id, { state: 'FAILED', startAt: null });
    const calls: [Method, string, unknown?][] = [
      ['GET', `/webhooks/${id}`], ['PATCH', `/webhooks/${id}`, { enabled: false }], ['DELETE', `/webhooks/${id}`], ['POST', `/webhooks/${id}/secrets`], ['GET', `/webhooks/${id}/deliveries`],
      ['POST', `/webhooks/${id}/deliveries/${delivery}/redeliver`],
    ];
    for (const [method, url, body] of calls) {
      expect((await call(method, url, { body, account: null })).statusCode).toBe(401);
      expect((await call(method, url, { body, account: api.stranger })).statusCode).toBe(404);
    }
    expect((await call('POST', '/webhooks', { body: {}, account: null })).statusCode).toBe(401);
    expect((await call('GET', '/webhooks', { account: api.stranger })).json()).toEqual({ items: [], nextCursor: null });
    expect((await secretsOf(id))).toHaveLength(1);
    expect((await call('GET', '/webhooks', { account: api.admin })).json<{ items: WebhookView[] }>().items.map((item) => item.id)).toContain(id);
    expect((await call('PATCH', `/webhooks/${id}`, { body: { description: 'seen' }, account: api.admin })).json()).toMatchObject({ ownerId: api.user.id, description: 'seen' });
    await remove(id);
  });

  it.each(['0', '-1', '1.5', 'x', '99999999999999999', '1%20or%201'])('has no path %s', async (id) => {
    expect((await call('GET', `/webhooks/${id}`)).statusCode).toBe(400);
  });

  it('may be had ten times by an owner, also when all are asked for at once', async () => {
    const responses = await Promise.all(Array.from({ length: 14 }, () => call('POST', '/webhooks', { body: { url: URL_GIVEN }, language: 'en' })));
    const made = responses.filter(({ statusCode }) => statusCode === 201).map((response) => response.json<WebhookView>().id);
    expect(made).toHaveLength(10);
    for (const response of responses.filter(({ statusCode }) => statusCode !== 201)) {
      expect(response.statusCode).toBe(409);
      expect(response.json()).toMatchObject({ error: { code: 'INVALID_STATE', message: 'There may be 10 webhooks at most. Remove one first.' }, details: [{ reason: 'too-many-webhooks' }] });
    }
    const first = (await call('GET', '/webhooks?limit=6')).json<{ items: WebhookView[]; nextCursor: string }>();
    const second = (await call('GET', `/webhooks?limit=6&cursor=${first.nextCursor}`)).json<{ items: WebhookView[]; nextCursor: null }>();
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(made.toSorted((left, right) => right - left));
    expect(second.nextCursor).toBeNull();
    expect((await call('GET', '/webhooks?cursor=xyz')).statusCode).toBe(400);
    for (const id of made) await remove(id);
  });

  it('is changed by PATCH; switched off it is told nothing, switched on its alert is over', async () => {
    const { id } = await create({ events: ['withdrawal.failed'] });
    expect((await call('PATCH', `/webhooks/${id}`, { body: {} })).statusCode).toBe(400);
    expect((await call('PATCH', `/webhooks/${id}`, { body: { url: 'https://10.0.0.1:22/' } })).json()).toMatchObject({ details: [{ field: 'url', reason: 'port' }] });
    expect((await call('PATCH', `/webhooks/${id}`, { body: { events: null, url: 'https://other.example.com/x' } })).json()).toMatchObject({ events: null, url: 'https://other.example.com/x', enabled: true });
    const off = (await call('PATCH', `/webhooks/${id}`, { body: { enabled: false } })).json<WebhookView>();
    expect(off).toMatchObject({ enabled: false, disabledReason: 'OWNER', disabledAt: expect.any(String) });
    expect((await call('PATCH', `/webhooks/${id}`, { body: { enabled: false } })).json()).toMatchObject({ disabledAt: off.disabledAt });
    await acceptOne(api);
    expect(await deliveriesOf(api.database.db, id)).toEqual([]);

    await api.database.db.update(webhookEndpoints).set({ offReason: 'FAILING', failingSince: new Date() }).where(eq(webhookEndpoints.id, id));
    await raiseAlert(api.database.db, { kind: 'WEBHOOK_DISABLED', chainId: 80_002, subject: `webhook-${id}` });
    expect((await call('PATCH', `/webhooks/${id}`, { body: { enabled: true } })).json()).toMatchObject({ enabled: true, disabledReason: null, disabledAt: null, failingSince: null });
    expect(await listOpenAlerts(api.database.db, `webhook-${id}`)).toEqual([]);
    await acceptOne(api);
    expect(await deliveriesOf(api.database.db, id)).toHaveLength(1);
    await remove(id);
  });

  it('is removed with its secrets, once', async () => {
    const { id } = await create();
    expect((await remove(id)).statusCode).toBe(204);
    expect((await remove(id)).statusCode).toBe(404);
    expect((await call('GET', `/webhooks/${id}`)).statusCode).toBe(404);
    expect(await secretsOf(id)).toEqual([]);
    await acceptOne(api);
    expect(await deliveriesOf(api.database.db, id)).toEqual([]);
  });
});

describe('POST /webhooks/:id/secrets', () => {
  type Rotated = { secret: string; secrets: WebhookView['secrets'] };
  const rotate = (id: number, body?: object) => call('POST', `/webhooks/${id}/secrets`, { body });

  it('adds a secret; the one before goes on for a day, three live at most', async () => {
    const webhook = await create();
    const { secret, secrets } = (await rotate(webhook.id)).json<Rotated>();
    expect(secret).not.toBe(webhook.secret);
    expect(secrets.map(({ expiresAt }) => expiresAt === null)).toEqual([true, false]);
    const overlapMs = Date.parse(secrets[1]?.expiresAt ?? '') - Date.parse(secrets[0]?.createdAt ?? '');
    expect(overlapMs).toBe(86_400_000);
    const third = (await rotate(webhook.id, { overlapSeconds: 60 })).json<Rotated>();
    // An earlier end is not put off, a later one is brought forward.
    expect(third.secrets.map(({ expiresAt }) => expiresAt)).toEqual([null, expect.any(String), third.secrets[1]?.expiresAt]);
    expect((await secretsOf(webhook.id)).map(({ sealed }) => openWebhookSecret(api.webhookKey, webhook.id, sealed))).toEqual([webhook.secret, secret, third.secret]);
    const refused = await rotate(webhook.id);
    expect(refused.statusCode).toBe(409);
    expect(refused.json()).toMatchObject({ error: { code: 'INVALID_STATE' }, details: [{ reason: 'too-many-secrets' }] });
    await remove(webhook.id);
  });

  it('ends the others at once where that is asked for, also at the limit', async () => {
    const { id } = await create();
    await rotate(id);
    await rotate(id);
    const response = await rotate(id, { overlapSeconds: 0 });
    expect(response.statusCode).toBe(201);
    expect(response.json<Rotated>().secrets).toHaveLength(1);
    expect((await secretsOf(id)).map(({ sealed }) => openWebhookSecret(api.webhookKey, id, sealed))).toEqual([response.json<Rotated>().secret]);
    await remove(id);
  });

  it('keeps to the limit when called many times at once', async () => {
    const { id } = await create();
    const statuses = (await Promise.all(Array.from({ length: 6 }, () => rotate(id)))).map(({ statusCode }) => statusCode).toSorted((left, right) => left - right);
    expect(statuses).toEqual([201, 201, 409, 409, 409, 409]);
    expect(await secretsOf(id)).toHaveLength(3);
    await remove(id);
  });
});

describe('what was sent', () => {
  it('is listed newest first, in pages, by status, with the last answer', async () => {
    const { id } = await create();
    const ids = [];
    for (const state of ['PENDING', 'DELIVERED', 'FAILED', 'DELIVERED'] as const) ids.push(await newDelivery(api.database.db, id, { state, attempts: state === 'PENDING' ? 0 : 2 }));
    const list = async (query = '') => (await call('GET', `/webhooks/${id}/deliveries${query}`)).json<{ items: WebhookDeliveryView[]; nextCursor: string | null }>();
    const first = await list('?limit=3');
    const second = await list(`?limit=3&cursor=${first.nextCursor}`);
    expect([...first.items, ...second.items].map((item) => item.id)).toEqual(ids.toReversed());
    expect(second.nextCursor).toBeNull();
    expect((await list('?status=DELIVERED')).items.map((item) => item.id)).toEqual([ids[3], ids[1]]);
    expect(second.items[0]).toMatchObject({ id: ids[0], status: 'PENDING', attempts: 0, lastAttempt: null, webhookId: expect.stringMatching(/^msg-/), type: 'withdrawal.completed' });
    expect((await call('GET', `/webhooks/${id}/deliveries?status=LOST`)).statusCode).toBe(400);
    await remove(id);
  });

  it('is sent again by hand: 202 and under way, then 409; not while the webhook is off', async () => {
    const { id } = await create();
    const ended = await newDelivery(api.database.db, id, { state: 'FAILED', attempts: 9, failures: 9, startAt: null, nextAttemptAt: null, endedAt: new Date() });
    const redeliver = (delivery: number | string) => call('POST', `/webhooks/${id}/deliveries/${delivery}/redeliver`);
    const response = await redeliver(ended);
    expect(response.statusCode).toBe(202);
    expect(response.json()).toMatchObject({ id: ended, status: 'PENDING', attempts: 9, endedAt: null });
    const again = await redeliver(ended);
    expect(again.statusCode).toBe(409);
    expect(again.json()).toMatchObject({ error: { code: 'INVALID_STATE' }, details: [{ reason: 'under-way' }] });
    expect((await redeliver(ended + 1_000)).statusCode).toBe(404);
    await call('PATCH', `/webhooks/${id}`, { body: { enabled: false } });
    await api.database.db.update(webhookDeliveries).set({ state: 'FAILED' }).where(eq(webhookDeliveries.id, ended));
    expect((await redeliver(ended)).json()).toMatchObject({ error: { code: 'INVALID_STATE' }, details: [{ reason: 'webhook-off' }] });
    await remove(id);
  });

  it('says what the API says of the withdrawal', async () => {
    const { id } = await create();
    const requestId = await acceptOne(api);
    const [message] = await deliveriesOf(api.database.db, id);
    const { data } = JSON.parse(message?.payload ?? '') as { data: Record<string, unknown> };
    const { explorerUrl: _, errorMessage: __, ...seen } = (await api.get(`/withdrawals/${requestId}`)).json<Record<string, unknown>>();
    delete seen['attempts'];
    delete seen['timeline'];
    expect(data).toEqual(seen);
    await remove(id);
  });
});
