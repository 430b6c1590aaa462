import { randomBytes } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import type { LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findLivePolicy } from '../db/repositories/policy/policies.ts';
import { insertDecision } from '../db/repositories/policy/policy-decisions.ts';
import { insertSession } from '../db/repositories/accounts/sessions.ts';
import { newDelivery, newEndpoint } from '../db/repositories/webhooks/webhooks.testkit.ts';
import { sessions, users } from '../db/schema/index.ts';
import { transact } from '../db/transact.ts';
import { SCOPES, type Scope } from '../domain/scopes.ts';
import type { Role } from '../domain/status.ts';
import { makeKey } from './api-keys/api-keys.testkit.ts';
import { RECIPIENT, startTestApi, WALLET, type TestAccount, type TestApi } from './api.testkit.ts';
import { signatureHeaders } from './client/sign-request.ts';
import { watchRoutes, type SeenRoute } from './routes.testkit.ts';
import { WHO_MAY_CALL, type Entry, type Owned } from './who-may-call.testkit.ts';
import { acceptOne, setWithdrawal } from './withdrawals.testkit.ts';

let api: TestApi;
let routes: SeenRoute[];
let bodies: Map<string, Body>;
let callers: Map<string, Caller>;

interface Call {
  method: string;
  url: string;
  payload?: string;
  type?: string;
}

interface Schema {
  $ref?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  items?: Schema;
  anyOf?: Schema[];
  allOf?: Schema[];
}

/** A documented body: its example and the fields it may have. */
interface Body {
  example: object;
  fields: ReadonlySet<string>;
}

/** Somebody who calls: as what they pass, and with which headers. */
interface Caller {
  /** null: no session that is worth anything */
  role: Role | null;
  /** the account's password was set by somebody else, and only its change is open */
  initialPassword?: true;
  /** of an API key: what it may do */
  scopes?: readonly Scope[];
  headers(call: Call, others: Record<string, string>): Record<string, string> | Promise<Record<string, string>>;
}

const CALLER_NAMES = ['nobody', 'USER', 'ADMIN', 'APPROVER', 'AUDITOR', 'a disabled ADMIN', 'a revoked session', 'an expired session', 'a made-up token', 'an ADMIN with an initial password', 'a key of a USER that may do everything', 'a key of an ADMIN that may do everything', 'a key of a USER that may read'] as const;
const CHANGING = WHO_MAY_CALL.filter(({ method }) => !['GET', 'HEAD'].includes(method));
const named = (entries: readonly Entry[]): [string, Entry][] => entries.map((entry) => [`${entry.method} ${entry.path}`, entry]);

beforeAll(async () => {
  // Nobody listens there: what is asked here is answered before Temporal matters.
  ({ built: api, routes } = await watchRoutes(() => startTestApi({ temporalAddress: '127.0.0.1:9' })));
  const document = (await api.app.inject('/docs/json')).json<{ paths: Record<string, Record<string, { requestBody?: { content: Record<string, { example?: object; schema: Schema }> } }>> }>();
  bodies = new Map(
    Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { requestBody }]): [string, Body][] => {
        const { example, schema } = requestBody?.content['application/json'] ?? {};
        const fields = new Set([schema, ...(schema?.anyOf ?? [])].flatMap((part) => Object.keys(part?.properties ?? {})));
        return example ? [[`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`, { example, fields }]] : [];
      }),
    ),
  );
  callers = await someOfEach();
});
afterAll(() => api.close());

async function someOfEach(): Promise<Map<string, Caller>> {
  const bearing = (role: Role | null, { bearer }: Pick<TestAccount, 'bearer'>): Caller => ({ role, headers: () => ({ authorization: bearer }) });
  const signing = async (role: Role, owner: TestAccount, scopes: readonly Scope[]): Promise<Caller> => {
    const key = await makeKey(api.app, owner, { scopes });
    return { role, scopes, headers: ({ method, url, payload }, others) => signatureHeaders({ method, url: `http://api.test${url}`, body: payload === undefined ? undefined : new TextEncoder().encode(payload), idempotencyKey: others['idempotency-key'] }, key) };
  };
  const disabled = await api.account('ADMIN');
  await api.database.db.update(users).set({ isActive: false }).where(eq(users.id, disabled.id));
  const revoked = await api.account('ADMIN');
  await api.database.db.update(sessions).set({ revokedAt: new Date() }).where(eq(sessions.userId, revoked.id));
  const expired = await api.account('ADMIN');
  await api.database.db.update(sessions).set({ expiresAt: new Date(Date.now() - 1) }).where(eq(sessions.userId, expired.id));
  const initial = await api.account('ADMIN');
  await api.database.db.update(users).set({ mustChangePassword: true }).where(eq(users.id, initial.id));
  const madeUp = `${api.admin.bearer.split('.').slice(0, 2).join('.')}.${randomBytes(64).toString('base64url')}`;
  const each: Record<(typeof CALLER_NAMES)[number], Caller> = {
    nobody: { role: null, headers: () => ({}) },
    USER: bearing('USER', api.stranger),
    ADMIN: bearing('ADMIN', api.admin),
    APPROVER: bearing('APPROVER', await api.account('APPROVER')),
    AUDITOR: bearing('AUDITOR', await api.account('AUDITOR')),
    'a disabled ADMIN': bearing(null, disabled),
    'a revoked session': bearing(null, revoked),
    'an expired session': bearing(null, expired),
    'a made-up token': bearing(null, { bearer: madeUp }),
    'an ADMIN with an initial password': { ...bearing('ADMIN', initial), initialPassword: true },
    'a key of a USER that may do everything': await signing('USER', api.stranger, SCOPES),
    'a key of an ADMIN that may do everything': await signing('ADMIN', api.admin, SCOPES),
    'a key of a USER that may read': await signing('USER', api.stranger, ['withdrawals:read']),
  };
  return new Map(Object.entries(each));
}

function callerOf(name: string): Caller {
  const caller = callers.get(name);
  if (!caller) throw new Error(`nobody is called ${name}`);
  return caller;
}

const REFUSALS = { UNAUTHENTICATED: 401, FORBIDDEN: 403, PASSWORD_CHANGE_REQUIRED: 403 } as const;

/** What the table says a caller is refused with, before anything of the call itself is looked at; null for one who passes. */
function refusalOf({ method, path, who, scope }: Entry, { role, initialPassword, scopes }: Caller): keyof typeof REFUSALS | null {
  if (who === 'anyone') return null;
  if (role === null) return 'UNAUTHENTICATED';
  if (!who.includes(role)) return 'FORBIDDEN';
  if (scopes && (scope === undefined || !scopes.includes(scope))) return 'FORBIDDEN';
  return initialPassword && `${method} ${path}` !== 'POST /auth/password' ? 'PASSWORD_CHANGE_REQUIRED' : null;
}

async function send(call: Call, caller: Caller, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
  const { method, url, payload, type = 'application/json' } = call;
  const all = { ...(payload !== undefined && { 'content-type': type }), ...(await caller.headers(call, headers)), ...headers };
  return api.app.inject({ method: method as 'GET', url, headers: all, ...(payload !== undefined && { payload }) });
}

/** Calls with which nothing is right but who asks. */
function junkOf({ method, path }: Entry): Call[] {
  const url = path.replaceAll(/:\w+|\*/g, 'no-such-thing');
  if (['GET', 'HEAD'].includes(method)) return [{ method, url }, { method, url: `${url}?limit=many&cursor=%00` }, { method, url: path.replaceAll(/:\w+|\*/g, '%2e%2e%2f') }];
  return [
    { method, url, payload: '{"amount":' },
    { method, url, payload: '[]' },
    { method, url, payload: 'amount=1', type: 'application/x-www-form-urlencoded' },
    { method, url, payload: `"${'x'.repeat(300_000)}"` },
  ];
}

/** A call that is right in everything but who asks: with ids of what is there, and the documented body. */
function rightCall({ method, path }: Entry, ids: Record<string, string> = {}): Call {
  const url = path.replaceAll(/:(\w+)/g, (_, name: string) => ids[name] ?? { version: '1', address: WALLET }[name] ?? '1');
  const body = bodies.get(`${method} ${path}`);
  return { method, url, ...(body && { payload: JSON.stringify(body.example) }) };
}

const KEY = { 'idempotency-key': 'who-may-call-1' };

/** Something of an owner's, by the parameters of a path that names it. */
async function make(what: Owned, owner: TestAccount): Promise<Record<string, string>> {
  if (what === 'withdrawal') return { requestId: await acceptOne(api) };
  const { id: ownerId } = owner;
  if (what === 'api-key') return { id: String((await makeKey(api.app, owner)).id) };
  if (what === 'session') {
    const id = randomBytes(16).toString('hex');
    await insertSession(api.database.db, { id, userId: ownerId, expiresAt: new Date(Date.now() + 60_000), now: new Date(), ipAddress: null, userAgent: null });
    return { id };
  }
  const { id } = await newEndpoint(api.database.db, { ownerId, key: api.webhookKey });
  if (what === 'webhook') return { id: String(id) };
  return { id: String(id), deliveryId: String(await newDelivery(api.database.db, id, { state: 'FAILED', startAt: null, endedAt: new Date() })) };
}

/** Tables that calls leave a trace in whoever is refused. */
const TRACES = new Set(['audit_log', 'audit_pending', 'audit_chain', 'api_key_nonces', 'api_keys']);

/** A number for each table's whole content. */
async function contents(): Promise<Map<string, unknown>> {
  const [tables] = (await api.database.db.execute(sql`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'`)) as unknown as [{ name: string }[]];
  const names = tables.map(({ name }) => name).filter((name) => !TRACES.has(name));
  const [sums] = (await api.database.db.execute(sql.raw(`CHECKSUM TABLE ${names.map((name) => `\`${name}\``).join(', ')}`))) as unknown as [{ Table: string; Checksum: unknown }[]];
  return new Map(sums.map(({ Table, Checksum }) => [Table, Checksum]));
}

describe('the table', () => {
  it('names every route there is, and no other', () => {
    const key = ({ method, path }: Pick<SeenRoute, 'method' | 'path'>) => `${method} ${path}`;
    expect(routes.map(key).toSorted()).toEqual(WHO_MAY_CALL.map(key).toSorted());
    expect(routes.length).toBeGreaterThan(50);
  });

  it('says the same as each route of keys and second factors', () => {
    const said = (route: Pick<SeenRoute, 'method' | 'path'>, scope: string | undefined, secondFactor: boolean) => `${route.method} ${route.path} ${scope ?? 'no key'}${secondFactor ? ' 2nd' : ''}`;
    expect(routes.map((route) => said(route, route.access?.scope, route.access?.secondFactor === true)).toSorted()).toEqual(WHO_MAY_CALL.map((entry) => said(entry, entry.scope, entry.secondFactor)).toSorted());
  });

  it('says of every path with a parameter whose it is', () => {
    expect(WHO_MAY_CALL.filter(({ path, names }) => path.includes(':') && (names === undefined || names === 'own')).map(({ path }) => path)).toEqual([]);
  });

  it('gives a key nothing that a USER may not, and nothing that asks for a second factor', () => {
    expect(WHO_MAY_CALL.filter(({ scope, who, secondFactor }) => scope !== undefined && (secondFactor || who === 'anyone' || !who.includes('USER')))).toEqual([]);
  });
});

describe.each(CALLER_NAMES)('%s', (name) => {
  it.each(named(WHO_MAY_CALL))('calling %s is judged before what the call says', async (_route, entry) => {
    const caller = callerOf(name);
    const refusal = refusalOf(entry, caller);
    for (const call of junkOf(entry)) {
      const response = await send(call, caller);
      if (refusal === null) {
        expect([401, 403], `${call.method} ${call.url}: ${response.statusCode}`).not.toContain(response.statusCode);
        if (entry.path !== '/ready') expect(response.statusCode).toBeLessThan(500);
        // Where nothing is expected, valid JSON is nothing wrong.
        if (call.payload !== undefined && (call.payload !== '[]' || bodies.has(`${entry.method} ${entry.path}`))) expect([400, 404, 413, 415]).toContain(response.statusCode);
        continue;
      }
      const status = REFUSALS[refusal];
      expect([response.statusCode, call]).toEqual([status, call]);
      expect(response.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
      if (entry.method !== 'HEAD') expect(response.json()).toEqual({ error: { code: refusal, message: expect.any(String), retryable: false }, correlationId: response.headers['x-correlation-id'] });
    }
  });
});

describe('who is refused', () => {
  it('changes nothing, with the right body and the ids of what is there', async () => {
    const ids = { ...(await make('delivery', api.user)), ...(await make('withdrawal', api.user)) };
    await setWithdrawal(api, ids['requestId'] ?? '', { status: 'AWAITING_APPROVAL' });
    const before = await contents();
    let refused = 0;
    for (const caller of callers.values()) {
      for (const entry of CHANGING.filter((changing) => refusalOf(changing, caller) !== null)) {
        const call = rightCall(entry, entry.path.startsWith('/admin/transactions/') ? { id: ids['requestId'] ?? '' } : ids);
        const response = await send(call, caller, KEY);
        expect([response.json<{ error: { code: string } }>().error.code, call]).toEqual([refusalOf(entry, caller), call]);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(100);
    expect(await contents()).toEqual(before);
  });
});

describe('a path', () => {
  const paths = [...new Set(WHO_MAY_CALL.map(({ path }) => path))];

  it('answers no method that is not in the table, not even to an ADMIN', async () => {
    for (const path of paths.filter((each) => !each.endsWith('*'))) {
      const url = path.replaceAll(/:\w+/g, '1');
      const known = new Set(WHO_MAY_CALL.filter((entry) => entry.path === path).map(({ method }) => method));
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'].filter((each) => !known.has(each))) {
        // Another path may fit the same words.
        if (WHO_MAY_CALL.some((entry) => entry.method === method && new RegExp(`^${entry.path.replaceAll(/:\w+/g, '[^/]+').replace('*', '.*')}$`).test(url))) continue;
        const { statusCode } = await send({ method, url }, callerOf('ADMIN'));
        expect([method, url, statusCode]).toEqual([method, url, 404]);
      }
    }
  });

  it('is not reached without a session by spelling it otherwise', async () => {
    const spellings = (url: string) => [`${url}/`, `/${url}`, `/.${url}`, url.toUpperCase(), `${url};a=1`, `${url}%20`, `${url}?a=1`, `${url}%3Fa`, url.replace('/', '/%2e/'), url.replaceAll('a', '%61'), `/docs/..${url}`, `/docs/static/..${url}`, `/docs/static/%2e%2e${url}`];
    for (const { method, path } of WHO_MAY_CALL.filter(({ who }) => who !== 'anyone')) {
      for (const url of spellings(path.replaceAll(/:\w+/g, '1'))) {
        const { statusCode } = await send({ method, url }, callerOf('nobody'));
        expect([401, 404, 400], `${method} ${url}: ${statusCode}`).toContain(statusCode);
      }
    }
  });
});

describe("what is another's", () => {
  /** All that tells two answers apart but the limits' counters and the time of day. */
  const shown = ({ statusCode, headers, body }: LightMyRequestResponse) => ({ statusCode, body, headers: Object.fromEntries(Object.entries(headers).filter(([header]) => !/^(date|x?-?ratelimit.*)$/.test(header))) });
  const owned = WHO_MAY_CALL.filter((entry): entry is Entry & { names: Owned } => !['own', 'engine', undefined].includes(entry.names));
  const absentOf = (names: Owned): Record<string, string> => ({ requestId: 'tx-1795494000000-0123456789abcdef0123', id: names === 'session' ? '0'.repeat(32) : '99999999', deliveryId: '99999999' });

  it.each(named(owned))('%s: is as absent as what is not there, byte for byte', async (_route, entry) => {
    const { names } = entry as Entry & { names: Owned };
    const theirs = await make(names, api.user);
    const headers = { 'x-correlation-id': 'who-may-call-0001', ...KEY };
    const before = await contents();
    // A key of an ADMIN sees what its owner asked for, and no more.
    const others = ['USER', ...(entry.scope ? (['a key of a USER that may do everything', 'a key of an ADMIN that may do everything'] as const) : [])];
    for (const name of others) {
      const [other, none] = [await send(rightCall(entry, theirs), callerOf(name), headers), await send(rightCall(entry, absentOf(names)), callerOf(name), headers)];
      expect([name, other.statusCode]).toEqual([name, 404]);
      expect(shown(other)).toEqual(shown(none));
    }
    expect(await contents()).toEqual(before);
    // The owner's own call of the same path finds it. A stream is asked for what comes after its end.
    if (entry.path.endsWith('/events')) await setWithdrawal(api, theirs['requestId'] ?? '', { status: 'FAILED', completedAt: new Date() });
    const own = await send(rightCall(entry, theirs), { role: 'USER', headers: () => ({ authorization: api.user.bearer }) }, headers);
    expect(own.statusCode).toBeLessThan(300);
  });

  it('a delivery is not found under another webhook, whoever owns that', async () => {
    const theirs = await make('delivery', api.user);
    for (const owner of [api.user, api.stranger]) {
      const { id = '' } = await make('webhook', owner);
      const { statusCode } = await send({ method: 'POST', url: `/webhooks/${id}/deliveries/${theirs['deliveryId']}/redeliver` }, { role: 'USER', headers: () => ({ authorization: owner.bearer }) });
      expect(statusCode).toBe(404);
    }
  });

  it.each(named(WHO_MAY_CALL.filter(({ method, names }) => method === 'GET' && names === 'own')))('%s: is in no list of a stranger, whatever cursor they bring', async (_route, { path }) => {
    for (const owner of [api.user, api.user, api.stranger]) for (const what of ['webhook', 'session', 'api-key'] as const) await make(what, owner);
    for (const bearer of [api.user.bearer, api.user.bearer, api.stranger.bearer]) await api.post({ amount: '1', currency: 'USDC', toAddress: RECIPIENT, network: 'polygon-amoy' }, { authorization: bearer });
    interface List { items: Record<string, unknown>[]; nextCursor: string | null }
    const list = async ({ bearer }: TestAccount, query = '') => (await send({ method: 'GET', url: `${path}${query}` }, { role: 'USER', headers: () => ({ authorization: bearer }) })).json<List>();
    const idsIn = ({ items }: List) => items.map(({ requestId, id }) => requestId ?? id);
    const theirs = await list(api.user, '?limit=1');
    expect(theirs.nextCursor).not.toBeNull();
    const all = new Set(idsIn(await list(api.user, '?limit=100')));
    for (const query of ['', `?cursor=${theirs.nextCursor}`, '?limit=100']) expect(idsIn(await list(api.stranger, query)).filter((id) => all.has(id))).toEqual([]);
    expect(idsIn(await list(api.stranger)).length).toBeGreaterThan(0);
    for (const query of [`?ownerId=${api.user.id}`, `?owner=${api.user.email}`, '?all=true']) expect((await send({ method: 'GET', url: `${path}${query}` }, callerOf('USER'))).statusCode).toBe(400);
  });
});

describe('APPROVER and AUDITOR', () => {
  it.each(['APPROVER', 'AUDITOR', 'ADMIN'])('%s sees what operators see', async (name) => {
    const requestId = await acceptOne(api);
    const entries = WHO_MAY_CALL.filter(({ method, path }) => method === 'GET' && path.startsWith('/admin/'));
    for (const entry of entries) {
      // Asked of Temporal, which is away.
      if (['/admin/queues', '/admin/audit/verification'].includes(entry.path)) continue;
      const { statusCode } = await send(rightCall(entry, entry.path.startsWith('/admin/transactions/') ? { id: requestId } : {}), callerOf(name));
      expect([entry.path, statusCode]).toEqual([entry.path, 200]);
    }
  });

  it('an APPROVER approves, and is told so', async () => {
    const requestId = await acceptOne(api);
    const now = new Date();
    const live = await findLivePolicy(api.database.db);
    await transact(api.database.db, (tx) =>
      insertDecision(tx, {
        requestId, policyVersion: live?.version ?? 1, ruleId: 'large-ones-are-approved', ownerId: api.user.id, chainId: 80_002, currency: 'USDC', amount: 12_500_000n, limitBucket: now,
        approvalsRequired: 2, approvers: null, approvalDeadline: new Date(now.getTime() + 60_000), decidedAt: now,
      }),
    );
    await setWithdrawal(api, requestId, { status: 'AWAITING_APPROVAL' });
    const response = await send({ method: 'POST', url: `/admin/transactions/${requestId}/approve` }, callerOf('APPROVER'));
    expect(response.statusCode).toBe(202);
    expect(response.json()).toMatchObject({ requestId, approvals: { given: [{ approver: { email: expect.stringMatching(/^approver-/) }, decision: 'APPROVE' }] } });
  });
});

describe('a body', () => {
  const SMUGGLED = { role: 'ADMIN', ownerId: 1, userId: 1, status: 'COMPLETED', outcome: 'PAID', isActive: true, approved: true, requestId: 'tx-1', txHash: '0x', seal: 'AA' };

  it.each(named(CHANGING))('%s takes no field that is not documented', async (route, entry) => {
    const body = bodies.get(route);
    if (!body) return;
    const { example, fields } = body;
    const caller = entry.who === 'anyone' || entry.who.includes('USER') ? callerOf('USER') : callerOf('ADMIN');
    const { url } = rightCall(entry, entry.path.startsWith('/admin/transactions/') ? { id: 'tx-1795494000000-0123456789abcdef0123' } : {});
    for (const [field, value] of Object.entries(SMUGGLED).filter(([name]) => !fields.has(name))) {
      const response = await send({ method: entry.method, url, payload: JSON.stringify({ ...example, [field]: value }) }, caller, KEY);
      expect([field, response.statusCode]).toEqual([field, 400]);
      expect(response.json<{ details: { field: string; reason: string }[] }>().details.map((detail) => detail.field)).toContain(field);
    }
    for (const name of ['__proto__', 'constructor']) {
      const response = await send({ method: entry.method, url, payload: `${JSON.stringify(example).slice(0, -1)},"${name}":{"prototype":{"role":"ADMIN"}}}` }, caller, KEY);
      expect([name, response.statusCode]).toEqual([name, 400]);
    }
  });

  it('is closed in its nested objects too', async () => {
    const document = (await api.app.inject('/docs/json')).json<{ paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: Schema }> } }>>; components: { schemas: Record<string, Schema> } }>();
    const open: string[] = [];
    let closed = 0;
    const walk = (schema: Schema, place: string): void => {
      if (schema.$ref !== undefined) return walk(document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}, place);
      if (schema.properties) {
        if (schema.additionalProperties === false) closed += 1;
        else open.push(place);
      }
      for (const [name, inner] of Object.entries(schema.properties ?? {})) walk(inner, `${place}.${name}`);
      if (schema.items) walk(schema.items, `${place}[]`);
      for (const inner of [...(schema.anyOf ?? []), ...(schema.allOf ?? [])]) walk(inner, place);
    };
    for (const [path, operations] of Object.entries(document.paths)) for (const [method, { requestBody }] of Object.entries(operations)) if (requestBody) walk(requestBody.content['application/json']?.schema ?? {}, `${method} ${path}`);
    expect(open).toEqual([]);
    expect(closed).toBeGreaterThan(10);
  });
});

describe('an answer', () => {
  it('tells an owner nothing that is for operators', async () => {
    const mark = randomBytes(8).toString('hex');
    const requestId = await acceptOne(api);
    const now = new Date();
    await transact(api.database.db, (tx) =>
      insertDecision(tx, {
        requestId, policyVersion: 1, ruleId: `rule-${mark}`, ownerId: api.user.id, chainId: 80_002, currency: 'USDC', amount: 12_500_000n, limitBucket: now,
        approvalsRequired: 1, approvers: null, approvalDeadline: new Date(now.getTime() + 60_000), decidedAt: now,
      }),
    );
    await setWithdrawal(api, requestId, { status: 'AWAITING_APPROVAL', errorMessage: `detail-${mark}` });
    const rejection = await send({ method: 'POST', url: `/admin/transactions/${requestId}/reject`, payload: JSON.stringify({ reason: `reason-${mark}` }) }, callerOf('ADMIN'));
    expect(rejection.body).toContain(`reason-${mark}`);
    const forOperators = (await send({ method: 'GET', url: `/admin/transactions/${requestId}` }, callerOf('AUDITOR'))).body;
    for (const secret of [`reason-${mark}`, `detail-${mark}`, api.admin.email, '"ownerId"']) expect(forOperators).toContain(secret);
    const told = [(await api.get(`/withdrawals/${requestId}`)).body, (await api.get('/withdrawals?limit=100')).body];
    for (const body of told) {
      expect(body).toContain(requestId);
      for (const secret of [mark, api.admin.email, 'ownerId', 'errorDetail', 'signer', 'seal', 'correlationId', 'passwordHash']) expect(body).not.toContain(secret);
    }
  });
});
