import { and, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiKeys, auditLog } from '../../../db/schema/index.ts';
import { SCOPES } from '../../../domain/scopes.ts';
import { callWith, makeKey } from '../../api-keys/api-keys.testkit.ts';
import { startTestApi, type TestAccount, type TestApi } from '../../api.testkit.ts';
import type { ApiKeyView } from '../../schemas/api-key.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const create = (body: object, by: TestAccount = api.user, language = 'en') => api.app.inject({ method: 'POST', url: '/api-keys', headers: { authorization: by.bearer, 'accept-language': language }, payload: body });
const revoke = (id: number | string, by: TestAccount = api.user) => api.app.inject({ method: 'DELETE', url: `/api-keys/${id}`, headers: { authorization: by.bearer } });
const list = async (by: TestAccount = api.user, query = '') => (await api.get(`/api-keys${query}`, by)).json<{ items: ApiKeyView[]; nextCursor: string | null }>();

describe('POST /api-keys', () => {
  it('shows the secret once, and keeps it nowhere', async () => {
    const response = await create({ name: 'payout service', scopes: ['withdrawals:read', 'withdrawals:create'], ipAllowlist: ['192.0.2.7', '2001:DB8::/32'], expiresAt: '2099-01-01T00:00:00.000Z' });
    expect(response.statusCode).toBe(201);
    expect(response.headers['cache-control']).toBe('no-store');
    const { secret, ...key } = response.json<ApiKeyView & { secret: string }>();
    expect(secret).toMatch(/^aks_[A-Za-z0-9_-]{43}$/);
    expect(key).toEqual({
      id: expect.any(Number), keyId: expect.stringMatching(/^ak_[0-9a-f]{32}$/), name: 'payout service', scopes: ['withdrawals:read', 'withdrawals:create'], ipAllowlist: ['192.0.2.7/32', '2001:db8::/32'],
      createdAt: expect.any(String), expiresAt: '2099-01-01T00:00:00.000Z', revokedAt: null, lastUsedAt: null, lastUsedFrom: null,
    });
    expect((await list()).items[0]).toEqual(key);
    const [row] = await api.database.db.select().from(apiKeys).where(eq(apiKeys.id, key.id));
    expect(JSON.stringify(row)).not.toContain(secret);
    expect(JSON.stringify(row)).not.toContain(secret.slice(4));
    expect(api.logText()).toContain(key.keyId);
    expect(api.logText()).not.toContain(secret);
    const audited = await api.database.db.select().from(auditLog).where(and(eq(auditLog.action, 'api-key.create'), eq(auditLog.targetId, String(key.id))));
    expect(audited.map(({ phase, actorId }) => [phase, actorId])).toEqual([['ENDED', api.user.id]]);
    expect(audited[0]?.stateAfter).toContain(key.keyId);
    expect(JSON.stringify(audited)).not.toContain(secret.slice(4));
  });

  it('may do nothing but look, from anywhere and for ever, unless asked otherwise', async () => {
    expect((await create({ name: 'x' })).json()).toMatchObject({ scopes: ['withdrawals:read'], ipAllowlist: null, expiresAt: null });
  });

  it.each([
    [{}, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(101) }, 'name'],
    [{ name: 'x', scopes: [] }, 'scopes'],
    [{ name: 'x', scopes: ['admin'] }, 'scopes.0'],
    [{ name: 'x', scopes: ['withdrawals:read', 'withdrawals:read'] }, 'scopes'],
    [{ name: 'x', ipAllowlist: [] }, 'ipAllowlist'],
    [{ name: 'x', ipAllowlist: ['10.0.0.1/8'] }, 'ipAllowlist'],
    [{ name: 'x', ipAllowlist: ['localhost'] }, 'ipAllowlist'],
    [{ name: 'x', expiresAt: 'tomorrow' }, 'expiresAt'],
    [{ name: 'x', expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    [{ name: 'x', ownerId: 1 }, 'ownerId'],
  ])('refuses %o', async (body, field) => {
    const response = await create(body);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ error: { code: 'VALIDATION_FAILED' }, details: [{ field }] });
  });

  it('makes twenty live ones for an owner, also when all are asked for at once; a revoked or expired one makes room', async () => {
    const owner = await api.account('USER');
    const responses = await Promise.all(Array.from({ length: 24 }, () => create({ name: 'x' }, owner)));
    const made = responses.filter(({ statusCode }) => statusCode === 201).map((response) => response.json<ApiKeyView>().id);
    expect(made).toHaveLength(20);
    for (const response of responses.filter(({ statusCode }) => statusCode !== 201)) {
      expect(response.statusCode).toBe(409);
      expect(response.json()).toMatchObject({ error: { code: 'INVALID_STATE', message: 'There may be 20 live API keys at most. Revoke one first.' }, details: [{ reason: 'too-many-api-keys' }] });
    }
    expect((await revoke(made[0] ?? 0, owner)).statusCode).toBe(204);
    await api.database.db.update(apiKeys).set({ expiresAt: new Date(Date.now() - 1) }).where(eq(apiKeys.id, made[1] ?? 0));
    expect([(await create({ name: 'x' }, owner)).statusCode, (await create({ name: 'x' }, owner)).statusCode, (await create({ name: 'x' }, owner)).statusCode]).toEqual([201, 201, 409]);
  });

  it('is for those who ask for withdrawals', async () => {
    expect((await create({ name: 'x' }, api.admin)).statusCode).toBe(201);
    for (const role of ['APPROVER', 'AUDITOR'] as const) expect((await create({ name: 'x' }, await api.account(role))).statusCode).toBe(403);
    expect((await api.app.inject({ method: 'POST', url: '/api-keys', payload: { name: 'x' } })).statusCode).toBe(401);
  });
});

describe('GET /api-keys', () => {
  it('lists own ones only, newest first, in pages', async () => {
    const owner = await api.account('USER');
    const ids: number[] = [];
    for (let count = 0; count < 5; count += 1) ids.push((await makeKey(api.app, owner)).id);
    const first = await list(owner, '?limit=3');
    const second = await list(owner, `?limit=3&cursor=${first.nextCursor}`);
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids.toReversed());
    expect(second.nextCursor).toBeNull();
    expect((await api.get('/api-keys?cursor=xyz', owner)).statusCode).toBe(400);
    expect((await list(api.admin)).items.map(({ id }) => id)).not.toContain(ids[0]);
  });
});

describe('DELETE /api-keys/:id', () => {
  it('ends a key at once and for good; the first time stands', async () => {
    const key = await makeKey(api.app, api.user);
    expect((await callWith(api.app, key)).statusCode).toBe(200);
    expect((await revoke(key.id)).statusCode).toBe(204);
    expect((await callWith(api.app, key)).statusCode).toBe(401);
    const { revokedAt } = (await list()).items.find(({ id }) => id === key.id) ?? {};
    expect(revokedAt).toEqual(expect.any(String));
    expect((await revoke(key.id)).statusCode).toBe(204);
    expect((await list()).items.find(({ id }) => id === key.id)).toMatchObject({ revokedAt });
  });

  it('knows no key of another, also for an ADMIN', async () => {
    const key = await makeKey(api.app, api.user);
    for (const by of [api.stranger, api.admin]) expect((await revoke(key.id, by)).statusCode).toBe(404);
    expect((await callWith(api.app, key)).statusCode).toBe(200);
    expect((await revoke(999_999)).statusCode).toBe(404);
    expect((await revoke('x')).statusCode).toBe(400);
  });
});

it('no key makes, lists or revokes keys, whatever it may do', async () => {
  const key = await makeKey(api.app, api.admin, { scopes: [...SCOPES] });
  expect((await callWith(api.app, key, { method: 'POST', url: '/api-keys', body: '{"name":"x"}' })).statusCode).toBe(403);
  expect((await callWith(api.app, key, { url: '/api-keys' })).statusCode).toBe(403);
  expect((await callWith(api.app, key, { method: 'DELETE', url: `/api-keys/${key.id}` })).statusCode).toBe(403);
});
