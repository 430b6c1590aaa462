import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { randomBytes } from 'node:crypto';
import { eq, gt } from 'drizzle-orm';
import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';
import { TOTP } from 'otpauth/slim';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passwordGuesses, secondFactors, sessions } from '../../../db/schema/index.ts';
import { createSecondFactorSeal } from '../../../db/second-factor-seal.ts';
import { EngineError } from '../../../domain/errors.ts';
import type { Role } from '../../../domain/status.ts';
import type { Access } from '../../access.ts';
import { PASSWORD, startTestApi, type TestAccount, type TestApi } from '../../api.testkit.ts';
import { createEmailSecrets } from '../../auth/email-secrets.ts';
import { openSession } from '../../auth/open-session.ts';
import type { PasswordVerifier } from '../../auth/passwords.ts';
import type { SecondFactorView } from '../../schemas/second-factor.ts';
import { assertPassword } from '../../second-factor/assert-password.ts';
import { requireShown } from '../../second-factor/require-shown.ts';

interface GuardedRoute {
  method: HTTPMethods;
  url: string;
  access: Access | undefined;
}

const routes: GuardedRoute[] = [];
const onApp = (message: unknown): void => {
  (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) routes.push({ method, url: route.url, access: route.config?.access });
  });
};

let api: TestApi;
beforeAll(async () => {
  subscribe('fastify.initialization', onApp);
  api = await startTestApi({ accounts: { registration: 'open', secondFactorRequired: true } });
  unsubscribe('fastify.initialization', onApp);
});
afterAll(() => api.close());

const call = (by: TestAccount, method: HTTPMethods, url: string, payload?: object) =>
  api.app.inject({ method, url, headers: { authorization: by.bearer, 'accept-language': 'en' }, ...(payload && { payload }) });
const enrol = (by: TestAccount, password = PASSWORD) => call(by, 'POST', '/auth/second-factor', { password });
const confirm = (by: TestAccount, code: string) => call(by, 'POST', '/auth/second-factor/confirm', { code });
const verify = (by: TestAccount, code: string) => call(by, 'POST', '/auth/second-factor/verify', { code });
const remove = (by: TestAccount, code: string, password = PASSWORD) => call(by, 'DELETE', '/auth/second-factor', { password, code });
const stateOf = async (by: TestAccount) => (await call(by, 'GET', '/auth/second-factor')).json<SecondFactorView>();
const halt = (by: TestAccount) => call(by, 'POST', '/admin/halt', { scope: 'global', reason: 'test' });

interface Enrolment {
  secret: string;
  uri: string;
  recoveryCodes: string[];
}

/** The code of the present step, or of the one after it: both hold however long the call takes, up to a step. */
const codeOf = (secret: string, stepsLater: 0 | 1 = 0) => new TOTP({ secret }).generate({ timestamp: Date.now() + stepsLater * 30_000 });
/** No code near now is this one. */
const wrongCodeOf = (secret: string) => {
  const near = [-2, -1, 0, 1, 2].map((steps) => new TOTP({ secret }).generate({ timestamp: Date.now() + steps * 30_000 }));
  return ['111111', '222222', '333333', '444444', '555555', '666666'].find((code) => !near.includes(code)) ?? '';
};

/** An account with an active factor, in a session that has not shown it. */
async function active(role: Role = 'ADMIN'): Promise<{ by: TestAccount; secret: string; recoveryCodes: string[] }> {
  const by = await api.account(role);
  const { secret, recoveryCodes } = (await enrol(by)).json<Enrolment>();
  expect((await confirm(by, codeOf(secret))).statusCode).toBe(200);
  await api.database.db.update(sessions).set({ secondFactorAt: null }).where(eq(sessions.userId, by.id));
  return { by, secret, recoveryCodes };
}

const anotherSession = async (by: TestAccount): Promise<TestAccount> => ({ ...by, bearer: `Bearer ${(await openSession(api.database.db, api.app.accessTokens, { id: by.id, role: 'ADMIN' })).accessToken}` });

describe('setting one up', () => {
  it('goes from none over a first code to what the guarded routes ask for', async () => {
    const by = await api.account('ADMIN');
    expect(await stateOf(by)).toEqual({ state: 'NONE', confirmedAt: null, recoveryCodesLeft: 0, verifiedUntil: null, required: true });
    expect((await halt(by)).json()).toMatchObject({ error: { code: 'SECOND_FACTOR_NOT_ENROLLED', message: expect.stringContaining('/auth/second-factor'), retryable: false } });

    const answer = await enrol(by);
    expect(answer.statusCode).toBe(201);
    const { secret, uri, recoveryCodes } = answer.json<Enrolment>();
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(new URL(uri).searchParams.get('secret')).toBe(secret);
    expect(decodeURIComponent(uri)).toContain(by.email);
    expect(new Set(recoveryCodes).size).toBe(10);
    for (const code of recoveryCodes) expect(code).toMatch(/^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$/);
    expect(await stateOf(by)).toMatchObject({ state: 'PENDING', recoveryCodesLeft: 10, verifiedUntil: null });
    expect((await halt(by)).json()).toMatchObject({ error: { code: 'SECOND_FACTOR_NOT_ENROLLED' } });

    const confirmed = await confirm(by, codeOf(secret));
    expect(confirmed.statusCode).toBe(200);
    const view = confirmed.json<SecondFactorView>();
    expect(view).toMatchObject({ state: 'ACTIVE', confirmedAt: expect.any(String), recoveryCodesLeft: 10, verifiedUntil: expect.any(String) });
    expect(Date.parse(view.verifiedUntil ?? '') - Date.parse(view.confirmedAt ?? '')).toBe(900_000);
    expect((await halt(by)).statusCode).toBe(200);
    expect((await halt(await anotherSession(by))).json()).toMatchObject({ error: { code: 'SECOND_FACTOR_REQUIRED', message: expect.stringContaining('/auth/second-factor/verify') } });

    expect((await confirm(by, codeOf(secret, 1))).statusCode).toBe(409);
    expect((await enrol(by)).json()).toMatchObject({ error: { code: 'INVALID_STATE', message: expect.stringContaining('active already') } });
    expect(await stateOf(by)).toMatchObject({ state: 'ACTIVE' });
  });

  it('asks for the right password, and shows nothing for a wrong one', async () => {
    const by = await api.account('APPROVER');
    const answer = await enrol(by, 'wrong');
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toEqual({ error: { code: 'VALIDATION_FAILED', message: 'The present password is wrong.', retryable: false }, correlationId: expect.any(String), details: [{ field: 'password', reason: 'wrong-password' }] });
    expect(await stateOf(by)).toMatchObject({ state: 'NONE' });
    expect((await call(by, 'POST', '/auth/second-factor', {})).statusCode).toBe(400);
    expect((await api.app.inject({ method: 'POST', url: '/auth/second-factor', payload: { password: PASSWORD } })).statusCode).toBe(401);
  });

  it('cannot be done by guessing passwords: they are counted, and a right one waits as well', async () => {
    const by = await api.account('ADMIN');
    const answers = await Promise.all(Array.from({ length: 8 }, () => enrol(by, 'wrong')));
    expect(answers.filter(({ statusCode }) => statusCode === 400)).toHaveLength(5);
    expect(answers.filter(({ statusCode }) => statusCode === 429)).toHaveLength(3);
    await api.database.db.update(passwordGuesses).set({ waitUntil: new Date(Date.now() + 600_000) }).where(gt(passwordGuesses.failures, 4));
    const right = await enrol(by);
    expect(right.json()).toMatchObject({ error: { code: 'RATE_LIMITED', retryable: true } });
    expect(Number(right.headers['retry-after'])).toBeGreaterThan(500);
    expect(await stateOf(by)).toMatchObject({ state: 'NONE' });
  });

  it('counts no password that could not be checked', async () => {
    const by = await api.account('ADMIN');
    const request = { ip: '127.0.0.1', account: { id: by.id, role: 'ADMIN', email: by.email, via: { kind: 'session', sessionId: 'x' } } } as unknown as FastifyRequest;
    const passwords = { verify: () => Promise.reject(new EngineError('SERVICE_UNAVAILABLE', { reason: 'sign-ins' })) } as unknown as PasswordVerifier;
    const deps = { database: api.database.db, settings: api.settings, seal: createSecondFactorSeal(api.sealKey), addresses: createEmailSecrets(api.sealKey), passwords };
    for (let tries = 0; tries < 6; tries += 1) await expect(assertPassword(deps, request, PASSWORD)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect((await enrol(by)).statusCode).toBe(201);
  });

  it('shows secret and recovery codes once: no later answer and no log line holds them', async () => {
    const by = await api.account('ADMIN');
    const { secret, uri, recoveryCodes } = (await enrol(by)).json<Enrolment>();
    const used = codeOf(secret);
    const later = [
      await confirm(by, used), await call(by, 'GET', '/auth/second-factor'), await verify(by, recoveryCodes[0] ?? ''), await verify(by, 'AAAA-AAAA-AAAA-AAAA'),
      await enrol(by), await remove(by, recoveryCodes[1] ?? ''),
    ];
    expect(later.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 403, 409, 204]);
    for (const text of [...later.map(({ body }) => body), api.logText()]) {
      for (const shownOnce of [secret, uri, PASSWORD, ...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll('-', ''))]) expect(text).not.toContain(shownOnce);
    }
    expect(api.logText()).toContain('a wrong code of the second factor');
  });
});

describe('showing it', () => {
  it('opens this session alone, and each code is accepted once', async () => {
    const { by, secret } = await active();
    const other = await anotherSession(by);
    expect((await halt(by)).json()).toMatchObject({ error: { code: 'SECOND_FACTOR_REQUIRED' } });
    const code = codeOf(secret, 1);
    expect((await verify(by, code)).json()).toMatchObject({ state: 'ACTIVE', verifiedUntil: expect.any(String) });
    expect((await halt(by)).statusCode).toBe(200);
    expect((await verify(other, code)).json()).toMatchObject({ error: { code: 'SECOND_FACTOR_REFUSED' } });
    expect((await halt(other)).statusCode).toBe(403);
  });

  it('is over after a quarter of an hour', async () => {
    const { by, secret } = await active();
    await verify(by, codeOf(secret, 1));
    expect((await halt(by)).statusCode).toBe(200);
    await api.database.db.update(sessions).set({ secondFactorAt: new Date(Date.now() - 900_001) }).where(eq(sessions.userId, by.id));
    expect((await halt(by)).json()).toMatchObject({ error: { code: 'SECOND_FACTOR_REQUIRED' } });
    expect(await stateOf(by)).toMatchObject({ state: 'ACTIVE', verifiedUntil: null });
  });

  it('twice at once with one code works once', async () => {
    const { by, secret } = await active();
    const others = await Promise.all([anotherSession(by), anotherSession(by), anotherSession(by)]);
    const code = codeOf(secret, 1);
    const answers = await Promise.all(others.map((session) => verify(session, code)));
    expect(answers.map(({ statusCode }) => statusCode).toSorted((left, right) => left - right)).toEqual([200, 403, 403]);
  });

  it('waits after wrong codes, whatever the code, and says until when; a flushed Redis changes nothing', async () => {
    const { by, secret, recoveryCodes } = await active();
    await api.database.db.update(secondFactors).set({ wrongTries: 13 }).where(eq(secondFactors.userId, by.id));
    expect((await verify(by, wrongCodeOf(secret))).json()).toMatchObject({ error: { code: 'SECOND_FACTOR_REFUSED' } });
    await api.redis.flushdb();
    for (const answer of [await verify(by, codeOf(secret, 1)), await verify(by, recoveryCodes[0] ?? ''), await remove(by, codeOf(secret, 1))]) {
      expect(answer.json()).toMatchObject({ error: { code: 'RATE_LIMITED' } });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(400);
      expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(512);
    }
    expect(await stateOf(by)).toMatchObject({ state: 'ACTIVE', recoveryCodesLeft: 10, verifiedUntil: null });
    await api.database.db.update(secondFactors).set({ waitUntil: new Date() }).where(eq(secondFactors.userId, by.id));
    expect((await verify(by, codeOf(secret, 1))).statusCode).toBe(200);
  });

  it('refuses what no code can be before it is judged', async () => {
    const { by } = await active();
    for (const body of [{}, { code: 123456 }, { code: '12345' }, { code: 'x'.repeat(41) }, { code: '123456', more: true }]) expect((await call(by, 'POST', '/auth/second-factor/verify', body)).statusCode).toBe(400);
    expect((await call(by, 'POST', '/auth/second-factor/confirm', { code: 'AAAQ-EAYE-7L57-Z7P6' })).statusCode).toBe(400);
    expect((await verify(await api.account('ADMIN'), '123456')).json()).toMatchObject({ error: { code: 'INVALID_STATE' } });
  });
});

describe('removing it', () => {
  it('takes the password and a code, and shuts what it had opened', async () => {
    const { by, secret, recoveryCodes } = await active();
    expect((await verify(by, codeOf(secret, 1))).statusCode).toBe(200);
    expect((await remove(by, recoveryCodes[0] ?? '', 'wrong')).json()).toMatchObject({ error: { code: 'VALIDATION_FAILED' } });
    expect((await remove(by, wrongCodeOf(secret))).json()).toMatchObject({ error: { code: 'SECOND_FACTOR_REFUSED' } });
    expect(await stateOf(by)).toMatchObject({ state: 'ACTIVE', recoveryCodesLeft: 10 });
    expect((await remove(by, recoveryCodes[0] ?? '')).statusCode).toBe(204);
    expect(await stateOf(by)).toMatchObject({ state: 'NONE', recoveryCodesLeft: 0, verifiedUntil: null });
    expect((await halt(by)).json()).toMatchObject({ error: { code: 'SECOND_FACTOR_NOT_ENROLLED' } });
    expect((await remove(by, recoveryCodes[1] ?? '')).statusCode).toBe(409);
  });
});

describe('POST /admin/users/:id/second-factor/reset', () => {
  const reset = (by: TestAccount, id: number | string, payload: object = { reason: 'phone lost' }) => call(by, 'POST', `/admin/users/${id}/second-factor/reset`, payload);

  it('frees a person who lost theirs, and ends their sessions', async () => {
    const [admin, lost] = [await active(), await active('APPROVER')];
    expect((await reset(admin.by, lost.by.id)).json()).toMatchObject({ error: { code: 'SECOND_FACTOR_REQUIRED' } });
    await verify(admin.by, codeOf(admin.secret, 1));
    expect((await reset(admin.by, lost.by.id, {})).statusCode).toBe(400);
    expect((await call(lost.by, 'GET', '/auth/second-factor')).statusCode).toBe(200);
    expect((await reset(admin.by, lost.by.id)).statusCode).toBe(204);
    expect((await call(lost.by, 'GET', '/auth/second-factor')).statusCode).toBe(401);
    const signedIn = await anotherSession(lost.by);
    expect(await stateOf(signedIn)).toMatchObject({ state: 'NONE' });
    const { secret } = (await enrol(signedIn)).json<Enrolment>();
    expect((await confirm(signedIn, codeOf(secret))).statusCode).toBe(200);
    expect(api.logText()).toContain('phone lost');
  });

  it('is another admin’s to do: nobody resets their own, and nobody else may', async () => {
    const { by, secret } = await active();
    await verify(by, codeOf(secret, 1));
    expect((await reset(by, by.id)).json()).toMatchObject({ error: { code: 'INVALID_STATE', message: expect.stringContaining('of their own') } });
    expect((await reset(by, 999_999)).statusCode).toBe(404);
    expect((await reset(by, 'x')).statusCode).toBe(400);
    expect(await stateOf(by)).toMatchObject({ state: 'ACTIVE' });
    for (const role of ['USER', 'APPROVER', 'AUDITOR'] as const) expect((await reset(await api.account(role), by.id)).json()).toMatchObject({ error: { code: 'FORBIDDEN' } });
  });
});

describe('every route that asks for it', () => {
  const guarded = () => routes.filter(({ access }) => access?.secondFactor === true);
  const filled = (url: string) => url.replaceAll(/:[^/]+/g, '1');

  it('is every one of the operators’ that changes something, but for those that let a withdrawal go on or end it unpaid', () => {
    const READING = ['GET', 'HEAD', 'OPTIONS'];
    const changing = routes.filter(({ method, url, access }) => url.startsWith('/admin/') && !READING.includes(method) && access?.audit !== null);
    expect(changing.filter((route) => !guarded().includes(route)).map(({ url }) => url).toSorted()).toEqual(['/admin/dead-letters/retry', '/admin/transactions/:id/cancel', '/admin/transactions/:id/retry']);
    expect(guarded().filter((route) => !changing.includes(route))).toEqual([]);
    expect(guarded().length).toBeGreaterThanOrEqual(17);
  });

  it('refuses a session without it before it looks at the request, and after the role', async () => {
    const [bare, enrolled, user] = [await api.account('ADMIN'), await active(), await api.account('USER')];
    for (const { method, url } of guarded()) {
      const answers = [await call(bare, method, filled(url), { junk: true }), await call(enrolled.by, method, filled(url), { junk: true }), await call(user, method, filled(url), { junk: true })];
      expect([url, ...answers.map((answer) => `${answer.statusCode} ${answer.json<{ error: { code: string } }>().error.code}`)]).toEqual([url, '403 SECOND_FACTOR_NOT_ENROLLED', '403 SECOND_FACTOR_REQUIRED', '403 FORBIDDEN']);
    }
  });

  it('passes a session that has shown it', async () => {
    const { by, secret } = await active();
    await verify(by, codeOf(secret, 1));
    for (const { method, url } of guarded()) {
      const answer = await call(by, method, filled(url), { junk: true });
      expect([url, answer.body]).toEqual([url, expect.not.stringContaining('SECOND_FACTOR')]);
      expect([url, [400, 404, 409].includes(answer.statusCode)]).toEqual([url, true]);
    }
  });

  it('refuses a key, whatever the settings say', async () => {
    const byKey = { account: { id: api.admin.id, role: 'ADMIN', email: api.admin.email, via: { kind: 'key', keyId: 1 } } };
    for (const required of [true, false]) {
      const hook = requireShown(api.database.db, required) as (request: object) => Promise<void>;
      await expect(hook(byKey)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
  });
});

describe('where the settings do not ask for it', () => {
  it('the guarded routes pass without, and it can be set up all the same', async () => {
    const open = await startTestApi();
    try {
      const ask = (method: HTTPMethods, url: string, payload?: object) => open.app.inject({ method, url, headers: { authorization: open.admin.bearer }, ...(payload && { payload }) });
      expect((await ask('POST', '/admin/halt', { scope: 'global', reason: 'test' })).statusCode).toBe(200);
      expect((await ask('GET', '/auth/second-factor')).json()).toMatchObject({ state: 'NONE', required: false });
      expect((await ask('POST', '/auth/second-factor', { password: PASSWORD })).statusCode).toBe(201);
    } finally {
      await open.close();
    }
  });
});

describe('under a new seal key', () => {
  it('a factor cannot be opened, and the answer says what to do', async () => {
    const { by, secret } = await active();
    const version = { userId: by.id, version: 1 };
    const otherKeys = createSecondFactorSeal(randomBytes(32)).sealSecret(version, secret);
    await api.database.db.update(secondFactors).set({ sealed: otherKeys }).where(eq(secondFactors.userId, by.id));
    const answer = await verify(by, codeOf(secret, 1));
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({ error: { code: 'INVALID_STATE', message: expect.stringContaining('reset-second-factor') } });
    expect((await halt(by)).json()).toMatchObject({ error: { code: 'SECOND_FACTOR_REQUIRED' } });
  });
});
