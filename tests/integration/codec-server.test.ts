import { randomBytes } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import { Wallet } from 'ethers';
import { eq, gt } from 'drizzle-orm';
import type { FastifyInstance } from 'fastify';
import { decodeJwt, importJWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, startTestApi, type TestAccount, type TestApi } from '../../api/api.testkit.ts';
import { createLogger } from '../../db/observability/logger.ts';
import { passwordGuesses, users } from '../../db/schema/index.ts';
import { workflowIdOf } from '../../domain/request-id.ts';
import { buildCodecServer } from '../../temporal-config/codec-server/app.ts';
import { connectEngineApi, REMEMBERED_MS } from '../../temporal-config/codec-server/engine-api.ts';
import { payloadJson } from '../../temporal-config/codec-server/payload-json.ts';
import { dataConverterFrom } from '../../temporal-config/data-converter.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { SEALED_PAYLOADS } from '../harness/payloads.ts';

const UI = 'http://127.0.0.1:8233';
const OWN = 'http://127.0.0.1:8234';
const FORM = { 'content-type': 'application/x-www-form-urlencoded', origin: OWN };

let engine: TestEngine;
let api: TestApi;
let apiUrl: string;
let server: FastifyInstance;
let recipient: string;
let history: ReturnType<typeof payloadJson>[];

const open = (url: string, publicUrl = OWN): Promise<FastifyInstance> =>
  buildCodecServer({ api: connectEngineApi(new URL(url)), logger: createLogger({ service: 'codec-server', level: 'ERROR' }), uiOrigins: [UI], publicUrl: new URL(publicUrl), codecs: SEALED_PAYLOADS.payloadCodecs ?? [] });

beforeAll(async () => {
  engine = await startEngine();
  api = await startTestApi({ engine });
  apiUrl = await api.app.listen({ host: '127.0.0.1', port: 0 });
  server = await open(apiUrl);
  recipient = Wallet.createRandom().address;
  const requestId = await engine.accept({ currency: 'USDC', toAddress: recipient, amount: 2_000_000n });
  await engine.until(requestId, ['COMPLETED']);
  await engine.handle(requestId).result();
  const raw = await engine.client.workflowService.getWorkflowExecutionHistory({ namespace: engine.temporal.namespace, execution: { workflowId: workflowIdOf(requestId) } });
  const payloads = (raw.history?.events ?? []).flatMap((event): Payload[] => [
    ...(event.workflowExecutionStartedEventAttributes?.input?.payloads ?? []),
    ...Object.values(event.workflowExecutionStartedEventAttributes?.memo?.fields ?? {}),
    ...(event.activityTaskCompletedEventAttributes?.result?.payloads ?? []),
  ]);
  history = payloads.map(payloadJson);
}, 120_000);
afterAll(async () => {
  await server.close();
  await api.close();
  await engine.stop();
});

const decode = (headers: Record<string, string>, payload: object | string = { payloads: history }, on = server) =>
  on.inject({ method: 'POST', url: '/decode', headers: { 'content-type': 'application/json', 'x-namespace': 'default', ...headers }, payload });
const texts = (response: { json(): unknown }): string => (response.json() as { payloads: { data: string }[] }).payloads.map(({ data }) => Buffer.from(data, 'base64').toString()).join('\n');

async function signIn(account: TestAccount, password = PASSWORD, on = server) {
  return on.inject({ method: 'POST', url: '/sign-in', headers: FORM, payload: new URLSearchParams({ email: account.email, password }).toString() });
}
const cookieOf = (response: { headers: Record<string, unknown> }): string => /payload-reader=[^;]+/.exec(String(response.headers['set-cookie']))?.[0] ?? '';

describe('with an access token', () => {
  it.each(['ADMIN', 'APPROVER', 'AUDITOR'] as const)('%s reads what a real history holds', async (role) => {
    expect(history.length).toBeGreaterThan(5);
    expect(JSON.stringify(history.map(({ data }) => Buffer.from(data ?? '', 'base64').toString('latin1')))).not.toContain(recipient);
    const response = await decode({ authorization: (await api.account(role)).bearer });
    expect(response.statusCode).toBe(200);
    expect(texts(response)).toContain(recipient);
    expect(response.headers['cache-control']).toBe('no-store');
  });

  it('nobody else does: none, another scheme, made up, expired, or a USER', async () => {
    const admin = await api.account('ADMIN');
    const { exp: _exp, ...claims } = decodeJwt(admin.bearer.slice('Bearer '.length));
    const expired = await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', ...(api.signingJwk.kid !== undefined && { kid: api.signingJwk.kid }) }).setExpirationTime(Math.floor(Date.now() / 1_000) - 60).sign(await importJWK(api.signingJwk, 'EdDSA'));
    for (const headers of [{}, { authorization: `Basic ${btoa('a:b')}` }, { authorization: 'Bearer a.b.c' }, { authorization: `Bearer ${expired}` }, { cookie: 'payload-reader=made-up' }] as Record<string, string>[]) {
      const response = await decode(headers);
      expect(response.statusCode).toBe(401);
      expect(response.headers['www-authenticate']).toBe('Bearer');
      expect(Object.keys(response.json())).toEqual(['message']);
    }
    const user = await decode({ authorization: api.user.bearer });
    expect([user.statusCode, user.json()]).toEqual([403, { message: 'Your account may not read payloads.' }]);
    // Judged before the body is looked at.
    expect((await decode({}, '{')).statusCode).toBe(401);
  });

  it('a session that was ended reads nothing more within seconds', async () => {
    const account = await api.account('AUDITOR');
    expect((await decode({ authorization: account.bearer })).statusCode).toBe(200);
    await engine.database.db.update(users).set({ isActive: false }).where(eq(users.id, account.id));
    await expect.poll(async () => (await decode({ authorization: account.bearer })).statusCode, { timeout: REMEMBERED_MS + 2_000, interval: 250 }).toBe(401);
  });

  it('while the API is away nobody reads', async () => {
    const alone = await open('http://127.0.0.1:1');
    const response = await decode({ authorization: api.admin.bearer }, undefined, alone);
    expect([response.statusCode, response.json()]).toEqual([503, { message: 'The API cannot be asked whether you may read payloads.' }]);
    await alone.close();
  });
});

describe('in a browser', () => {
  it('the cookie of the sign-in page opens payloads for the Web UI, until signed out', async () => {
    const admin = await api.account('ADMIN');
    const page = await server.inject('/sign-in');
    expect(page.body).toContain('<form method="post" action="/sign-in">');
    // With a stricter policy a browser would hide the form's origin, and the form would be refused.
    expect(page.headers['referrer-policy']).toBe('same-origin');
    const response = await signIn(admin);
    expect([response.statusCode, response.headers.location]).toEqual([303, '/sign-in']);
    expect(response.headers['set-cookie']).toMatch(/^payload-reader=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    const cookie = cookieOf(response);
    expect((await server.inject({ url: '/sign-in', headers: { cookie } })).body).toContain(`${admin.email} (ADMIN)`);
    const read = await decode({ cookie, origin: UI });
    expect(texts(read)).toContain(recipient);
    expect(read.headers).toMatchObject({ 'access-control-allow-origin': UI, 'access-control-allow-credentials': 'true' });
    expect((await server.inject({ method: 'POST', url: '/sign-out', headers: { ...FORM, cookie } })).statusCode).toBe(303);
    expect((await decode({ cookie, origin: UI })).statusCode).toBe(401);
  });

  it('is Secure where people come by https', async () => {
    const behindTls = await open(apiUrl, 'https://codec.example.com');
    const response = await behindTls.inject({ method: 'POST', url: '/sign-in', headers: { ...FORM, origin: 'https://codec.example.com' }, payload: new URLSearchParams({ email: api.admin.email, password: PASSWORD }).toString() });
    expect(response.headers['set-cookie']).toContain('; Secure;');
    await behindTls.close();
  });

  it('a wrong password, an unknown address and a USER get no cookie', async () => {
    for (const [account, password, status] of [[api.admin, 'wrong', 401], [{ ...api.admin, email: 'nobody@example.com' }, PASSWORD, 401], [api.user, PASSWORD, 403]] as const) {
      const response = await signIn(account, password);
      expect(response.statusCode).toBe(status);
      expect(cookieOf(response)).toBe('');
    }
  });

  it('a form of another site signs nobody in or out', async () => {
    for (const url of ['/sign-in', '/sign-out']) {
      for (const origin of [UI, 'null', undefined]) {
        const headers = { 'content-type': FORM['content-type'], ...(origin !== undefined && { origin }) };
        expect((await server.inject({ method: 'POST', url, headers, payload: `email=${api.admin.email}&password=${encodeURIComponent(PASSWORD)}` })).statusCode).toBe(403);
      }
    }
  });

  it('sign-ins are few a minute', async () => {
    const fresh = await open(apiUrl);
    for (let tried = 0; tried < 10; tried += 1) expect((await signIn({ ...api.admin, email: `nobody-${tried}@example.com` }, 'wrong', fresh)).statusCode).toBe(401);
    expect((await signIn(api.admin, PASSWORD, fresh)).statusCode).toBe(429);
    await fresh.close();
  });

  it('an account at which passwords were guessed waits, and the page says so', async () => {
    const fresh = await open(apiUrl);
    const guessedAt = await api.account('AUDITOR');
    for (let tried = 0; tried < 5; tried += 1) expect((await signIn(guessedAt, 'wrong', fresh)).statusCode).toBe(401);
    await api.database.db.update(passwordGuesses).set({ waitUntil: new Date(Date.now() + 60_000) }).where(gt(passwordGuesses.failures, 4));
    const answer = await signIn(guessedAt, PASSWORD, fresh);
    expect(answer.statusCode).toBe(429);
    expect(answer.body).toContain('wait a while');
    await fresh.close();
  });

  it('the origin of the Web UI may ask, and no other, not even as a plain request', async () => {
    const preflight = (origin: string) => server.inject({ method: 'OPTIONS', url: '/decode', headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type,x-namespace' } });
    const allowed = await preflight(UI);
    expect(allowed.statusCode).toBe(204);
    expect(allowed.headers).toMatchObject({ 'access-control-allow-origin': UI, 'access-control-allow-credentials': 'true', 'access-control-allow-headers': 'content-type, x-namespace, authorization' });
    for (const origin of ['http://127.0.0.1:8235', 'http://localhost:8233', 'https://evil.example.com', 'null', `${UI}.evil.example.com`]) {
      for (const refused of [await preflight(origin), await decode({ origin, authorization: api.admin.bearer })]) {
        expect(refused.statusCode).toBe(403);
        expect(refused.headers['access-control-allow-origin']).toBeUndefined();
      }
    }
  });
});

describe('what is asked', () => {
  let authorization: string;
  beforeAll(() => {
    authorization = api.admin.bearer;
  });

  it('is sealed so that a worker opens it, and opens what is plain as it is', async () => {
    const plain = { metadata: { encoding: btoa('json/plain') }, data: btoa('"by hand"') };
    const sealed = await server.inject({ method: 'POST', url: '/encode', headers: { authorization }, payload: { payloads: [plain] } });
    const { payloads } = sealed.json<{ payloads: { metadata: Record<string, string>; data: string }[] }>();
    expect(atob(payloads[0]?.metadata['encoding'] ?? '')).toBe('binary/encrypted');
    expect((await decode({ authorization }, { payloads: [...payloads, plain] })).json()).toEqual({ payloads: [plain, plain] });
    expect((await server.inject({ method: 'POST', url: '/encode', headers: { authorization: api.user.bearer }, payload: { payloads: [plain] } })).statusCode).toBe(403);
  });

  it('comes back as it was where it does not open, and the others open', async () => {
    const others = dataConverterFrom({ TEMPORAL_PAYLOAD_KEYS: `gone:${randomBytes(32).toString('base64')}` }).payloadCodecs?.[0];
    const [foreign] = (await others?.encode([{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('1') }])) ?? [];
    const lost = payloadJson(foreign ?? {});
    const torn = { metadata: history[0]?.metadata ?? {}, data: btoa('torn') };
    const response = await decode({ authorization }, { payloads: [lost, torn, ...history] });
    expect(response.statusCode).toBe(200);
    expect(response.json<{ payloads: unknown[] }>().payloads.slice(0, 2)).toEqual([lost, torn]);
    expect(texts(response)).toContain(recipient);
  });

  it.each([
    ['no JSON', '{', 400], ['no object', '[]', 400], ['no payloads', '{}', 400], ['payloads that are none', '{"payloads":[1]}', 400], ['data that is no base64', '{"payloads":[{"data":"%"}]}', 400],
    ['metadata that is no base64', '{"payloads":[{"metadata":{"encoding":"{}"}}]}', 400], ['too much', `{"payloads":[{"data":"${'A'.repeat(8 * 1024 * 1024)}"}]}`, 413],
  ])('is refused as %s in one line', async (_what, body, status) => {
    const response = await decode({ authorization }, body);
    expect(response.statusCode).toBe(status);
    expect(response.json<{ message: string }>().message).toMatch(/^[^\n]{5,200}$/);
  });

  it('is refused as another type, another method and another path', async () => {
    expect((await decode({ authorization, 'content-type': 'text/plain' }, 'x')).statusCode).toBe(415);
    expect((await server.inject({ method: 'GET', url: '/decode', headers: { authorization } })).statusCode).toBe(404);
    expect((await server.inject({ method: 'POST', url: '/default/decode', headers: { authorization }, payload: {} })).statusCode).toBe(404);
  });
});
