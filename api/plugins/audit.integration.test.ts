import { createHash } from 'node:crypto';
import { asc, eq, gt } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lastAuditId } from '../../db/repositories/audit/audit-chain.ts';
import { listHalts } from '../../db/repositories/operations/halts.ts';
import { getWallet } from '../../db/repositories/wallets/wallets.ts';
import { auditLog } from '../../db/schema/index.ts';
import type { AuditAction, AuditRecord } from '../../domain/audit.ts';
import type { Access } from '../access.ts';
import { BODY, PASSWORD, startTestApi, WALLET, type TestAccount, type TestApi } from '../api.testkit.ts';
import type { Tokens } from '../schemas/auth.ts';
import type { WebhookView } from '../schemas/webhook.ts';

let api: TestApi;
let seen = 0;
/** the rule of each route that was called, as the app itself holds it */
const ruleOf = new Map<string, Access>();
beforeAll(async () => {
  api = await startTestApi();
  api.app.addHook('onResponse', async ({ method, routeOptions: { url, config } }) => {
    if (config.access) ruleOf.set(`${method} ${url}`, config.access);
  });
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.app.auditRefusals.flush();
  seen = await lastAuditId(api.database.db);
});

/** Rows written since the test began. */
async function rows(): Promise<AuditRecord[]> {
  await api.app.auditRefusals.flush();
  return api.database.db.select().from(auditLog).where(gt(auditLog.id, seen)).orderBy(asc(auditLog.id));
}
const phasesOf = (found: readonly AuditRecord[]) => found.map(({ phase }) => phase);
const call = (method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, payload?: object, by: TestAccount | null = api.admin, headers: Record<string, string> = {}) =>
  api.app.inject({ method, url, headers: { 'idempotency-key': `key-${Math.random()}`, 'accept-language': 'en', ...(by && { authorization: by.bearer }), ...headers }, ...(payload && { payload }) });
const stateAfter = (record: AuditRecord | undefined) => JSON.parse(record?.stateAfter ?? 'null') as unknown;
const stateBefore = (record: AuditRecord | undefined) => JSON.parse(record?.stateBefore ?? 'null') as unknown;
const pause = (reason = 'maintenance', headers: Record<string, string> = {}) => call('POST', `/admin/wallets/${WALLET}/pause`, { reason }, api.admin, headers);
const walletStatus = async () => (await getWallet(api.database.db, api.settings.chain.chainId, WALLET))?.status;

interface Operation {
  requestBody?: { content: Record<string, { schema: { $ref?: string; examples?: unknown[] }; example?: unknown }> };
}

/** Every route of the document that does not only read, with an example of its body. */
async function changingRoutes(): Promise<{ method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'; url: string; example: object | undefined }[]> {
  const { paths, components } = (await api.app.inject('/docs/json')).json<{ paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, { examples?: unknown[] }> } }>();
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([name, { requestBody }]) => {
      if (name === 'get') return [];
      const method = name.toUpperCase() as 'POST';
      const url = path.replaceAll(/\{(\w+)\}/g, ':$1');
      const body = requestBody?.content['application/json'];
      const named = components.schemas[body?.schema.$ref?.split('/').at(-1) ?? ''];
      return [{ method, url, example: (body?.example ?? body?.schema.examples?.[0] ?? named?.examples?.[0]) as object | undefined }];
    }),
  );
}

describe('every route that changes something', () => {
  it('leaves rows under its own action, for a signed-in caller and for a stranger; one that changes nothing leaves none', async () => {
    const routes = await changingRoutes();
    expect(routes.length).toBeGreaterThan(25);
    const wrong: string[] = [];
    for (const { method, url, example } of routes) {
      // Accounts of their own: among the routes are those that end sessions, change accounts and set up factors.
      const path = url.replaceAll(/:\w+/g, String((await api.account('USER')).id));
      for (const by of [await api.account('ADMIN'), null]) {
        seen = await lastAuditId(api.database.db);
        const { statusCode } = await call(method, path, example, by);
        const found = await rows();
        const access = ruleOf.get(`${method} ${url}`);
        if (!access) throw new Error(`${method} ${url} has no rule`);
        const says = `${method} ${url} by ${by ? 'an admin' : 'a stranger'}: ${statusCode} [${phasesOf(found).join(' ')}]`;
        if (access.audit === null) {
          if (found.length > 0) wrong.push(says);
          continue;
        }
        if (found.length === 0 || found.some(({ action }) => action !== access.audit)) wrong.push(says);
        // Whatever was answered with success has begun, or stands in its own transaction; nothing ended that had not begun.
        if (statusCode < 300 && access.who !== 'anyone' && !['BEGUN ENDED', 'DONE'].includes(phasesOf(found).join(' '))) wrong.push(says);
        if (found.some(({ phase }) => phase === 'ENDED') && found[0]?.phase !== 'BEGUN') wrong.push(says);
        if (by === null && access.who !== 'anyone' && JSON.stringify(found.map(({ phase, status, actorKind }) => [phase, status, actorKind])) !== '[["REFUSED",401,"anonymous"]]') wrong.push(says);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('reading leaves nothing, whoever reads', async () => {
    for (const url of ['/withdrawals', '/admin/wallets', '/admin/audit', '/assets']) await api.get(url, api.admin);
    expect(await rows()).toEqual([]);
  });
});

describe('a change by an operator', () => {
  it('is two rows: who, from where, what, before, after, correlation id and outcome', async () => {
    const headers = { 'user-agent': `console/1.0 ${'x'.repeat(300)}`, 'x-correlation-id': 'audit-order-0001' };
    expect((await pause('maintenance', headers)).statusCode).toBe(200);
    const [begun, ended, ...more] = await rows();
    expect(more).toEqual([]);
    const common = { callId: begun?.callId, actorKind: 'account', actorId: api.admin.id, actorName: api.admin.email, via: 'session', ip: '127.0.0.1', userAgent: headers['user-agent'].slice(0, 160), action: 'wallet.pause', correlationId: 'audit-order-0001', targetKind: 'wallet', targetId: WALLET };
    expect(begun).toMatchObject({ ...common, phase: 'BEGUN', status: null, stateBefore: null, stateAfter: null });
    expect(ended).toMatchObject({ ...common, phase: 'ENDED', status: 200, errorCode: null });
    expect(stateBefore(ended)).toEqual({ status: 'ACTIVE' });
    expect(stateAfter(ended)).toEqual({ status: 'PAUSED', reason: 'maintenance' });
    await call('POST', `/admin/wallets/${WALLET}/resume`, { reason: 'done' });
  });

  it('that is turned down ends with the reason, and says what stood', async () => {
    const { requestId } = (await api.post(BODY)).json<{ requestId: string }>();
    seen = await lastAuditId(api.database.db);
    expect((await call('POST', `/admin/transactions/${requestId}/approve`)).statusCode).toBe(409);
    const [, ended] = await rows();
    expect(ended).toMatchObject({ action: 'withdrawal.approve', phase: 'ENDED', status: 409, errorCode: 'INVALID_STATE', targetKind: 'withdrawal', targetId: requestId, stateAfter: null });
    expect(stateBefore(ended)).toMatchObject({ status: 'PENDING', amount: '12.5', currency: 'USDC' });
    seen = await lastAuditId(api.database.db);
    expect((await call('POST', `/admin/transactions/${requestId}/cancel`)).statusCode).toBe(202);
    const cancelled = (await rows()).at(-1);
    expect([stateBefore(cancelled), stateAfter(cancelled)]).toMatchObject([{ cancelRequested: false }, { cancelRequested: true }]);
  });

  it('of the kill switch and of a policy shows what stood and what stands', async () => {
    await call('POST', '/admin/halt', { scope: 'global', reason: 'looking into it' });
    await call('POST', '/admin/resume', { scope: 'global', reason: 'it was nothing' });
    expect(await listHalts(api.database.db)).toEqual([]);
    const ended = (await rows()).filter(({ phase }) => phase === 'ENDED');
    expect(ended.map(({ action }) => action)).toEqual(['halt.set', 'halt.lift'] satisfies AuditAction[]);
    expect([stateBefore(ended[0]), stateAfter(ended[0])]).toMatchObject([{ halts: [] }, { halts: [{ scope: 'global', reason: 'looking into it' }] }]);
    expect([stateBefore(ended[1]), stateAfter(ended[1])]).toMatchObject([{ halts: [{ scope: 'global' }] }, { halts: [], reason: 'it was nothing' }]);

    seen = await lastAuditId(api.database.db);
    const rules = [{ id: 'all-are-approved', when: {}, action: { approvals: { required: 1, withinMs: 60_000 } } }];
    const { version } = (await call('PUT', '/admin/policies', { rules, reason: 'stricter' })).json<{ version: number }>();
    expect((await call('POST', `/admin/policies/${version}/reject`, { reason: 'too strict' }, api.approver)).statusCode).toBe(200);
    const [, proposed, , rejected] = await rows();
    expect(proposed).toMatchObject({ action: 'policy.propose', targetId: String(version), actorName: api.admin.email });
    expect(stateAfter(proposed)).toMatchObject({ version, status: 'DRAFT', rules });
    expect(rejected).toMatchObject({ action: 'policy.reject', targetId: String(version), actorName: api.approver.email });
    expect([stateBefore(rejected), stateAfter(rejected)]).toMatchObject([{ version: { status: 'DRAFT' } }, { version: { status: 'REJECTED' } }]);
  });

  it('refused for the role is counted, and not begun', async () => {
    for (let time = 0; time < 30; time += 1) expect((await call('POST', '/admin/halt', { scope: 'global', reason: 'no' }, api.user)).statusCode).toBe(403);
    expect(await rows()).toMatchObject([
      { phase: 'REFUSED', action: 'halt.set', status: 403, errorCode: 'FORBIDDEN', actorKind: 'account', actorId: api.user.id, times: 1 },
      { phase: 'REFUSED', action: 'halt.set', status: 403, errorCode: 'FORBIDDEN', actorKind: 'account', actorId: api.user.id, times: 29 },
    ]);
  });
});

describe('POST /withdrawals', () => {
  it('is one row in the transaction that accepts; a repeat is none, and what is refused is counted', async () => {
    const headers = { 'idempotency-key': 'audit-one-row', 'x-correlation-id': 'audit-order-0002' };
    const { requestId } = (await api.post(BODY, headers)).json<{ requestId: string }>();
    await api.post(BODY, headers);
    const [row, ...more] = await rows();
    expect(more).toEqual([]);
    expect(row).toMatchObject({ phase: 'DONE', action: 'withdrawal.request', status: 202, actorId: api.user.id, targetKind: 'withdrawal', targetId: requestId, correlationId: 'audit-order-0002' });
    expect(stateAfter(row)).toEqual({ status: 'PENDING', amount: '12.5', currency: 'USDC', network: 'polygon-amoy', toAddress: row && (stateAfter(row) as { toAddress: string }).toAddress });
    seen = await lastAuditId(api.database.db);
    for (let time = 0; time < 5; time += 1) await api.post({ ...BODY, amount: '0' });
    expect((await rows()).map(({ phase, times, targetId }) => [phase, times, targetId])).toEqual([['REFUSED', 1, null], ['REFUSED', 4, null]]);
  });
});

describe('sessions', () => {
  const signIn = (email: string, password: string) => call('POST', '/auth/login', { email, password }, null);

  it('are opened, continued and closed by somebody with a name', async () => {
    const tokens = (await signIn(api.stranger.email, PASSWORD)).json<Tokens>();
    const next = (await call('POST', '/auth/refresh', { refreshToken: tokens.refreshToken }, null)).json<Tokens>();
    expect((await call('POST', '/auth/logout', { refreshToken: next.refreshToken }, null)).statusCode).toBe(204);
    const found = await rows();
    expect(found.map(({ action, phase, status }) => `${action} ${phase} ${status}`)).toEqual(['session.open BEGUN null', 'session.open ENDED 200', 'session.refresh BEGUN null', 'session.refresh ENDED 200', 'session.close BEGUN null', 'session.close ENDED 204']);
    for (const row of found) expect(row).toMatchObject({ actorKind: 'account', actorId: api.stranger.id, actorName: api.stranger.email });
    expect(new Set(found.slice(2).map(({ targetId }) => targetId)).size).toBe(1);

    seen = await lastAuditId(api.database.db);
    expect((await call('POST', '/auth/refresh', { refreshToken: tokens.refreshToken }, null)).statusCode).toBe(401);
    expect((await rows()).map(({ phase, status, actorId }) => [phase, status, actorId])).toEqual([['BEGUN', null, api.stranger.id], ['ENDED', 401, api.stranger.id]]);
  });

  it('that were not opened are counted by the hash of the address that was tried', async () => {
    for (let time = 0; time < 4; time += 1) await signIn('Victim@Example.com', `guess-${time}`);
    const expected = { phase: 'REFUSED', action: 'session.open', actorKind: 'anonymous', actorId: null, status: 401, errorCode: 'UNAUTHENTICATED', actorName: createHash('sha256').update('victim@example.com').digest('hex') };
    expect(await rows()).toMatchObject([{ ...expected, times: 1 }, { ...expected, times: 3 }]);
  });
});

it('no password, token or webhook secret is in any row, and of a webhook only where it leads', async () => {
  const wrong = 'a-password-typed-wrong';
  await call('POST', '/auth/login', { email: PASSWORD, password: wrong }, null);
  const tokens = (await call('POST', '/auth/login', { email: api.user.email, password: PASSWORD }, null)).json<Tokens>();
  await call('POST', '/auth/refresh', { refreshToken: tokens.refreshToken }, null);
  await call('POST', '/auth/logout', { refreshToken: 'nobody-has-this-one' }, null);
  const url = 'https://receiver.example.com/in-path-secret?q=in-query-secret';
  const webhook = (await call('POST', '/webhooks', { url, description: 'orders' }, api.user)).json<WebhookView & { secret: string }>();
  const rotated = (await call('POST', `/webhooks/${webhook.id}/secrets`, undefined, api.user)).json<{ secret: string }>();
  await call('PATCH', `/webhooks/${webhook.id}`, { enabled: false }, api.user);
  await call('DELETE', `/webhooks/${webhook.id}`, undefined, api.user);
  const found = await rows();
  expect(found.filter(({ phase }) => phase === 'ENDED').map(({ action, status }) => `${action} ${status}`)).toEqual(['session.open 200', 'session.refresh 200', 'webhook.create 201', 'webhook.rotate-secret 201', 'webhook.change 200', 'webhook.delete 204']);
  expect(stateAfter(found.find(({ action, phase }) => action === 'webhook.create' && phase === 'ENDED'))).toMatchObject({ origin: 'https://receiver.example.com', description: 'orders', enabled: true });
  expect(found.filter(({ action }) => action === 'webhook.change').map((row) => [stateBefore(row), stateAfter(row)]).at(-1)).toMatchObject([{ enabled: true }, { enabled: false }]);
  const everything = JSON.stringify(await api.database.db.select().from(auditLog));
  for (const secret of [PASSWORD, wrong, tokens.accessToken, tokens.refreshToken, webhook.secret, rotated.secret, 'in-path-secret', 'in-query-secret', 'nobody-has-this-one']) expect(everything).not.toContain(secret);
});

describe('a log that takes no row', () => {
  const refuse = (phase: string) => api.database.pool.query(`CREATE TRIGGER test_refuses BEFORE INSERT ON audit_log FOR EACH ROW BEGIN IF NEW.phase = '${phase}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'test: no row'; END IF; END`);
  const heal = () => api.database.pool.query('DROP TRIGGER IF EXISTS test_refuses');

  it('keeps every change from happening: 503, and nothing has changed', async () => {
    await refuse('BEGUN');
    try {
      const response = await pause();
      expect(response.statusCode).toBe(503);
      expect(response.json()).toMatchObject({ error: { code: 'SERVICE_UNAVAILABLE', retryable: true } });
      expect(await walletStatus()).toBe('ACTIVE');
      const login = await call('POST', '/auth/login', { email: api.user.email, password: PASSWORD }, null);
      expect([login.statusCode, login.body.includes('accessToken')]).toEqual([503, false]);
    } finally {
      await heal();
    }
    expect((await rows()).filter(({ phase }) => phase !== 'REFUSED')).toEqual([]);
  });

  it('accepts no withdrawal either: the row and the withdrawal stand or fall together', async () => {
    const before = await api.countWithdrawals();
    await refuse('DONE');
    try {
      expect((await api.post(BODY, { 'idempotency-key': 'audit-together' })).statusCode).toBeGreaterThanOrEqual(500);
    } finally {
      await heal();
    }
    expect(await api.countWithdrawals()).toBe(before);
    expect((await api.post(BODY, { 'idempotency-key': 'audit-together' })).statusCode).toBe(202);
    expect((await rows()).filter(({ phase }) => phase === 'DONE')).toHaveLength(1);
  });

  it('only at the end hides no change: it is answered as it is, begun in the log, and missed in the process log', async () => {
    await refuse('ENDED');
    try {
      expect((await pause('seen', { 'x-correlation-id': 'audit-no-end' })).statusCode).toBe(200);
    } finally {
      await heal();
    }
    expect(phasesOf(await rows())).toEqual(['BEGUN']);
    expect(await walletStatus()).toBe('PAUSED');
    expect(api.logText().split('\n').find((line) => line.includes('audit-no-end') && line.includes('"level":"ERROR"'))).toContain('how the call ended is missing');
    await call('POST', `/admin/wallets/${WALLET}/resume`, { reason: 'done' });
  });
});

describe('GET /admin/audit', () => {
  it('gives the newest first, page by page, by actor, action, target and time', async () => {
    await pause('one');
    await call('POST', `/admin/wallets/${WALLET}/resume`, { reason: 'two' }, api.approver);
    const list = async (query: string, by = api.admin) => (await api.get(`/admin/audit?${query}`, by)).json<{ items: { id: number; phase: string; action: string; actor: { name: string }; position: number | null; after: unknown }[]; nextCursor: string | null }>();
    const first = await list('limit=3');
    expect(first.items.map(({ action, phase }) => `${action} ${phase}`)).toEqual(['wallet.resume ENDED', 'wallet.resume BEGUN', 'wallet.pause ENDED']);
    const second = await list(`limit=1&cursor=${first.nextCursor}`);
    expect(second.items).toMatchObject([{ action: 'wallet.pause', phase: 'BEGUN', position: null }]);
    for (const actor of [api.approver.email, String(api.approver.id)]) expect((await list(`actor=${encodeURIComponent(actor)}&action=wallet.resume`)).items).toHaveLength(2);
    expect((await list(`target=${WALLET}&action=wallet.pause&limit=1`)).items).toMatchObject([{ after: { status: 'PAUSED', reason: 'one' } }]);
    expect((await list('from=2100-01-01T00:00:00.000Z')).items).toEqual([]);
    expect((await list('to=2000-01-01T00:00:00.000Z')).items).toEqual([]);
    expect((await list('', await api.account('AUDITOR'))).items.length).toBeGreaterThan(0);
    expect((await api.get('/admin/audit', api.user)).statusCode).toBe(403);
    expect((await api.get('/admin/audit?cursor=x', api.admin)).statusCode).toBe(400);
    const [withdrawal] = await api.database.db.select().from(auditLog).where(eq(auditLog.action, 'withdrawal.request')).limit(1);
    expect((await list(`target=${withdrawal?.targetId}`)).items.length).toBeGreaterThan(0);
  });
});
