import type { AddressInfo } from 'node:net';
import { eq } from 'drizzle-orm';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiKeyNonces, apiKeys, auditLog, users } from '../../db/schema/index.ts';
import { SCOPES, type Scope } from '../../domain/scopes.ts';
import { callWith, makeKey, signedCall, type SignedCall } from '../api-keys/api-keys.testkit.ts';
import { BODY, startTestApi, type TestAccount, type TestApi } from '../api.testkit.ts';
import { signatureHeaders, type ApiKeyCredentials } from '../client/sign-request.ts';

let api: TestApi;
let owner: TestAccount;
let key: ApiKeyCredentials & { id: number };
beforeAll(async () => {
  api = await startTestApi();
  owner = await api.account('USER');
  key = await makeKey(api.app, owner, { scopes: [...SCOPES] });
});
afterAll(() => api.close());

let orders = 0;
const payment = (): SignedCall & { headers: { 'idempotency-key': string } } => ({ method: 'POST', url: '/withdrawals', body: JSON.stringify(BODY), headers: { 'idempotency-key': `order-${(orders += 1)}` } });
const reasonsLogged = (): string[] =>
  api
    .logText()
    .split('\n')
    .filter((line) => line.includes('signed request refused'))
    .map((line) => (JSON.parse(line) as { reason: string }).reason);

/** Refused as anything else is, and nothing was accepted by it; the log alone says why. */
async function expectRefused(call: InjectOptions, reason: string): Promise<void> {
  const before = await api.countWithdrawals();
  const response = await api.app.inject(call);
  expect([reason, response.statusCode]).toEqual([reason, 401]);
  expect(response.json()).toEqual({ error: { code: 'UNAUTHENTICATED', message: expect.any(String), retryable: false }, correlationId: expect.any(String) });
  expect(response.body).not.toContain(reason);
  expect(response.headers['www-authenticate']).toBe('Bearer');
  expect(Math.abs(Date.parse(String(response.headers['date'])) - Date.now())).toBeLessThan(5_000);
  expect(reasonsLogged().at(-1)).toBe(reason);
  expect(await api.countWithdrawals()).toBe(before);
}

describe('a signed request', () => {
  it('acts for the owner of its key', async () => {
    const call = payment();
    const response = await callWith(api.app, key, call);
    expect(response.statusCode).toBe(202);
    const { requestId } = response.json<{ requestId: string }>();
    // The same payment, signed anew, is the same withdrawal; the session of the owner sees it, a stranger's does not.
    expect((await callWith(api.app, key, call)).json()).toMatchObject({ requestId });
    expect((await api.get(`/withdrawals/${requestId}`, owner)).statusCode).toBe(200);
    expect((await callWith(api.app, key, { url: `/withdrawals/${requestId}` })).json()).toMatchObject({ requestId });
    const stranger = await makeKey(api.app, api.stranger);
    expect((await callWith(api.app, stranger, { url: `/withdrawals/${requestId}` })).statusCode).toBe(404);
  });

  it('is refused when method, path, query, order, body or key of idempotency is another than was signed', async () => {
    const signed = await signedCall(key, payment());
    const { headers } = signed;
    const cancel = await signedCall(key, { method: 'POST', url: '/withdrawals/tx-1795494000000-0123456789abcdef0123/cancel' });
    const input = headers['signature-input'] ?? '';
    await expectRefused({ ...signed, method: 'GET' }, 'signature');
    await expectRefused({ ...cancel, url: cancel.url.replace('0123/', '0124/') }, 'signature');
    await expectRefused({ ...signed, url: '/withdrawals?a' }, 'signature');
    await expectRefused({ ...signed, url: '/%77ithdrawals' }, 'signature');
    await expectRefused({ ...signed, headers: { ...headers, 'idempotency-key': 'order-x' } }, 'signature');
    await expectRefused({ ...signed, headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'idempotency-key')) }, 'form');
    await expectRefused({ ...signed, headers: { ...headers, 'signature-input': input.replace(/nonce="./, 'nonce="z') } }, 'signature');
    await expectRefused({ ...signed, headers: { ...headers, 'signature-input': input.replace('"@method" "@path"', '"@path" "@method"') } }, 'form');
    await expectRefused({ ...signed, headers: { ...headers, 'signature-input': input.replace(key.keyId, `ak_${'0'.repeat(32)}`) } }, 'signature');
    await expectRefused({ ...signed, headers: { ...headers, 'content-digest': (headers['content-digest'] ?? '').replace(/:./, ':A') } }, 'signature');
    // Nothing of it was consumed: as it was signed, it passes.
    expect((await api.app.inject(signed)).statusCode).toBe(202);
  });

  it('is held against the digest of its body before anything reads it', async () => {
    const changed = async (body: string) => ({ ...(await signedCall(key, payment())), payload: body });
    const text = JSON.stringify(BODY);
    await expectRefused(await changed(text.replace('12.5', '12.6')), 'digest');
    await expectRefused(await changed(`${text} `), 'digest');
    await expectRefused(await changed(text.slice(0, -1)), 'digest');
    // Neither JSON nor valid: still the signature speaks first.
    await expectRefused(await changed('{'), 'digest');
    await expectRefused(await changed('{"amount":1}'), 'digest');
    await expectRefused({ ...(await changed('')), payload: '' }, 'form');
    const { payload: _payload, ...bare } = await changed(text);
    await expectRefused(bare, 'form');
    // A body where none was signed.
    const cancel = await signedCall(key, { method: 'POST', url: '/withdrawals/tx-1795494000000-0123456789abcdef0123/cancel' });
    await expectRefused({ ...cancel, payload: '{}', headers: { ...cancel.headers, 'content-type': 'application/json' } }, 'form');
    // As signed, what is wrong with it is said as to anybody.
    expect((await callWith(api.app, key, { ...payment(), body: '{' })).statusCode).toBe(400);
    expect((await callWith(api.app, key, { ...payment(), body: JSON.stringify({ ...BODY, amount: 'x'.repeat(20_000) }) })).statusCode).toBe(413);
  });

  it('works once: not again, not after a flush of Redis, and once of many at the same moment', async () => {
    const signed = await signedCall(key, payment());
    expect((await api.app.inject(signed)).statusCode).toBe(202);
    await expectRefused(signed, 'replay');
    await api.redis.flushdb();
    await expectRefused(signed, 'replay');
    const another = await signedCall(key, payment());
    const answers = await Promise.all(Array.from({ length: 8 }, () => api.app.inject(another)));
    expect(answers.map(({ statusCode }) => statusCode).toSorted((left, right) => left - right)).toEqual([202, 401, 401, 401, 401, 401, 401, 401]);
  });

  it('is refused when another process has taken its nonce; one of another key is no matter', async () => {
    const [mine, theirs] = [await signedCall(key), await signedCall(key)];
    const nonceOf = ({ headers }: typeof mine) => /nonce="([^"]+)"/.exec(headers['signature-input'] ?? '')?.[1] ?? '';
    await api.database.db.insert(apiKeyNonces).values([{ keyId: key.id, nonce: nonceOf(mine), signedAt: new Date() }, { keyId: key.id + 1_000, nonce: nonceOf(theirs), signedAt: new Date() }]);
    await expectRefused(mine, 'replay');
    expect((await api.app.inject(theirs)).statusCode).toBe(200);
  });

  it('of another time is refused, of a clock that is a little wrong it is not', async () => {
    for (const seconds of [-32, 32, -3_600]) await expectRefused(await signedCall(key, { at: new Date(Date.now() + seconds * 1_000) }), 'time');
    for (const seconds of [-25, 25]) expect((await callWith(api.app, key, { at: new Date(Date.now() + seconds * 1_000) })).statusCode).toBe(200);
  });

  it('of a key that nobody made, of a wrong secret, or beside a session is refused', async () => {
    await expectRefused(await signedCall({ keyId: `ak_${'9'.repeat(32)}`, secret: key.secret }), 'signature');
    await expectRefused(await signedCall({ ...key, secret: `${key.secret}x` }), 'signature');
    const { headers, ...call } = await signedCall(key);
    await expectRefused({ ...call, headers: { ...headers, authorization: owner.bearer } }, 'two-credentials');
    await expectRefused({ url: '/withdrawals', headers: { signature: 'x' } }, 'form');
    await expectRefused({ url: '/withdrawals', headers: { 'signature-input': 'x' } }, 'form');
  });

  it('is refused from the moment its key has expired, or its owner may not act, and for a row that was edited', async () => {
    const db = api.database.db;
    const account = await api.account('USER');
    const own = await makeKey(api.app, account, { expiresAt: new Date(Date.now() + 3_600_000).toISOString(), ipAllowlist: ['127.0.0.1'] });
    expect((await callWith(api.app, own)).statusCode).toBe(200);
    const [row] = await db.select().from(apiKeys).where(eq(apiKeys.id, own.id));
    if (!row) return expect.unreachable();

    await db.update(users).set({ isActive: false }).where(eq(users.id, account.id));
    await expectRefused(await signedCall(own), 'owner-inactive');
    await db.update(users).set({ isActive: true }).where(eq(users.id, account.id));
    // Who can write to the database still makes no key act for another, do more, last longer, or work from elsewhere.
    for (const edit of [{ ownerId: api.admin.id }, { scopes: [...SCOPES] }, { expiresAt: null }, { ipAllowlist: null }, { secretHash: '0'.repeat(64) }, { seal: '0'.repeat(64) }]) {
      await db.update(apiKeys).set(edit).where(eq(apiKeys.id, own.id));
      await expectRefused(await signedCall(own), 'row-changed');
      await db.update(apiKeys).set(row).where(eq(apiKeys.id, own.id));
    }
    expect((await callWith(api.app, own)).statusCode).toBe(200);

    const brief = await makeKey(api.app, account, { expiresAt: new Date(Date.now() + 1_500).toISOString() });
    expect((await callWith(api.app, brief)).statusCode).toBe(200);
    await expect.poll(async () => (await callWith(api.app, brief)).statusCode, { timeout: 10_000 }).toBe(401);
    expect(reasonsLogged().at(-1)).toBe('expired');
    await api.app.inject({ method: 'DELETE', url: `/api-keys/${own.id}`, headers: { authorization: account.bearer } });
    await expectRefused(await signedCall(own), 'revoked');
  });

  it.each([
    [['192.0.2.0/24'], '192.0.2.77', true],
    [['192.0.2.0/24'], '::ffff:192.0.2.77', true],
    [['192.0.2.0/24'], '192.0.3.1', false],
    [['192.0.2.0/24'], '::ffff:192.0.3.1', false],
    [['198.51.100.1', '2001:db8::/32'], '2001:db8:ffff::1', true],
    [['198.51.100.1', '2001:db8::/32'], '2001:db9::1', false],
    [['198.51.100.1', '2001:db8::/32'], '198.51.100.1', true],
  ])('of a key for %o from %s passes: %s', async (ipAllowlist, remoteAddress, passes) => {
    const own = await makeKey(api.app, await api.account('USER'), { ipAllowlist });
    if (passes) expect((await callWith(api.app, own, { remoteAddress })).statusCode).toBe(200);
    else await expectRefused(await signedCall(own, { remoteAddress }), 'address');
  });
});

describe('what a key may do', () => {
  const ID = 'tx-1795494000000-0123456789abcdef0123';
  const CALLS: [Scope, SignedCall][] = [
    ['withdrawals:read', { url: '/withdrawals' }],
    ['withdrawals:read', { url: `/withdrawals/${ID}` }],
    ['withdrawals:read', { url: `/withdrawals/${ID}/events` }],
    ['withdrawals:create', { method: 'POST', url: '/withdrawals', body: '{}', headers: { 'idempotency-key': 'matrix' } }],
    ['withdrawals:cancel', { method: 'POST', url: `/withdrawals/${ID}/cancel` }],
    ['webhooks:manage', { url: '/webhooks' }],
    ['webhooks:manage', { method: 'POST', url: '/webhooks', body: '{}' }],
    ['webhooks:manage', { method: 'DELETE', url: '/webhooks/999999' }],
  ];

  it.each([['USER', [...SCOPES]], ['ADMIN', [...SCOPES]]] as const)('for a %s: what its scope says, and nothing else', async (role, scopes) => {
    const account = await api.account(role);
    for (const scope of scopes) {
      const own = await makeKey(api.app, account, { scopes: [scope] });
      for (const [needed, call] of CALLS) {
        const { statusCode } = await callWith(api.app, own, call);
        expect([scope, call.url, call.method ?? 'GET', statusCode === 403]).toEqual([scope, call.url, call.method ?? 'GET', needed !== scope]);
      }
    }
  });

  it('is nothing of what operators do, on any route, also when its owner is an ADMIN', async () => {
    const own = await makeKey(api.app, api.admin, { scopes: [...SCOPES] });
    const { paths } = (await api.app.inject('/docs/json')).json<{ paths: Record<string, Record<string, object>> }>();
    const calls = Object.entries(paths).filter(([path]) => path.startsWith('/admin/') || path.startsWith('/api-keys')).flatMap(([path, methods]) => Object.keys(methods).map((method) => [method.toUpperCase() as 'GET', path.replaceAll(/\{[^}]+\}/g, '1')] as const));
    expect(calls.length).toBeGreaterThan(30);
    for (const [method, url] of calls) expect([method, url, (await callWith(api.app, own, { method, url })).statusCode]).toEqual([method, url, 403]);
  });

  it("is its owner's own: an ADMIN's key sees and cancels nobody else's withdrawals", async () => {
    const { requestId } = (await callWith(api.app, key, payment())).json<{ requestId: string }>();
    expect((await api.get(`/withdrawals/${requestId}`, api.admin)).statusCode).toBe(200);
    const own = await makeKey(api.app, api.admin, { scopes: [...SCOPES] });
    expect((await callWith(api.app, own, { url: `/withdrawals/${requestId}` })).statusCode).toBe(404);
    expect((await callWith(api.app, own, { method: 'POST', url: `/withdrawals/${requestId}/cancel` })).statusCode).toBe(404);
    expect((await callWith(api.app, own)).json()).toEqual({ items: [], nextCursor: null });
  });

  it('ends with the role of its owner', async () => {
    const account = await api.account('USER');
    const own = await makeKey(api.app, account, { scopes: [...SCOPES] });
    await api.database.db.update(users).set({ role: 'AUDITOR' }).where(eq(users.id, account.id));
    expect((await callWith(api.app, own)).statusCode).toBe(403);
  });

  it('is nothing while its owner has to set a password', async () => {
    const account = await api.account('USER');
    const own = await makeKey(api.app, account);
    await api.database.db.update(users).set({ mustChangePassword: true }).where(eq(users.id, account.id));
    expect((await callWith(api.app, own)).json()).toMatchObject({ error: { code: 'PASSWORD_CHANGE_REQUIRED' } });
  });

  it('is in the audit log under its own name', async () => {
    const { requestId } = (await callWith(api.app, key, payment())).json<{ requestId: string }>();
    const rows = await api.database.db.select().from(auditLog).where(eq(auditLog.targetId, requestId));
    expect(rows.at(-1)).toMatchObject({ action: 'withdrawal.request', actorKind: 'key', actorId: owner.id, via: `key ${key.id}`, status: 202 });
  });
});

describe('over the wire', () => {
  it('a body in pieces is one body, and a stream of events is open to a key', async () => {
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    const baseUrl = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`;
    const url = `${baseUrl}/withdrawals?`;
    const bytes = new TextEncoder().encode(JSON.stringify(BODY));
    const pieces = (body: Uint8Array) => new ReadableStream({
      start(stream) {
        for (const byte of body) stream.enqueue(new Uint8Array([byte]));
        stream.close();
      },
    });
    const send = async (body: Uint8Array) => {
      const headers = { 'content-type': 'application/json', 'idempotency-key': `order-${(orders += 1)}` };
      const signature = await signatureHeaders({ method: 'POST', url, body: bytes, idempotencyKey: headers['idempotency-key'] }, key);
      return fetch(url, { method: 'POST', headers: { ...headers, ...signature }, body: pieces(body), duplex: 'half' });
    };
    const accepted = await send(bytes);
    expect(accepted.status).toBe(202);
    const { requestId } = (await accepted.json()) as { requestId: string };
    expect((await send(bytes.toReversed())).status).toBe(401);
    expect((await send(bytes.slice(0, -1))).status).toBe(401);

    const events = `${baseUrl}/withdrawals/${requestId}/events`;
    const giveUp = new AbortController();
    const stream = await fetch(events, { headers: await signatureHeaders({ method: 'GET', url: events }, key), signal: giveUp.signal });
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    let told = '';
    while (!told.includes('"accepted"')) told += (await reader?.read())?.value ?? expect.unreachable();
    giveUp.abort();
  });
});

describe('the use of a key', () => {
  it('is written down once a minute, with where it came from, and old nonces go with it', async () => {
    const db = api.database.db;
    const own = await makeKey(api.app, await api.account('USER'));
    const read = async () => (await db.select().from(apiKeys).where(eq(apiKeys.id, own.id)))[0];
    await db.insert(apiKeyNonces).values([{ keyId: own.id, nonce: 'old', signedAt: new Date(Date.now() - 11 * 60_000) }, { keyId: own.id, nonce: 'recent', signedAt: new Date(Date.now() - 9 * 60_000) }]);
    await callWith(api.app, own, { remoteAddress: '192.0.2.1' });
    await expect.poll(async () => (await read())?.lastUsedFrom).toBe('192.0.2.1');
    const first = (await read())?.lastUsedAt;
    await expect.poll(() => db.$count(apiKeyNonces, eq(apiKeyNonces.nonce, 'old'))).toBe(0);
    expect(await db.$count(apiKeyNonces, eq(apiKeyNonces.nonce, 'recent'))).toBe(1);
    await callWith(api.app, own, { remoteAddress: '192.0.2.2' });
    expect(await read()).toMatchObject({ lastUsedAt: first, lastUsedFrom: '192.0.2.1' });
    await db.update(apiKeys).set({ lastUsedAt: new Date(Date.now() - 61_000) }).where(eq(apiKeys.id, own.id));
    await callWith(api.app, own, { remoteAddress: '192.0.2.3' });
    await expect.poll(async () => (await read())?.lastUsedFrom).toBe('192.0.2.3');
  });
});

it('no secret and no signature is in any log line', async () => {
  const signed = await signedCall(key, payment());
  await api.app.inject(signed);
  for (const secret of [key.secret, key.secret.slice(4), (signed.headers['signature'] ?? '').slice(5, -1)]) expect(api.logText()).not.toContain(secret);
});
