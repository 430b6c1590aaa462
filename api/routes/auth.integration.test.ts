import { eq } from 'drizzle-orm';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refreshTokens, users } from '../../db/schema/index.ts';
import type { Tokens } from '../schemas/auth.ts';
import { PASSWORD, startTestApi, type TestApi } from '../api.testkit.ts';
import { refreshTokenHash } from '../auth/refresh-token.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const call = (url: string, payload: object) => api.app.inject({ method: 'POST', url, payload });
const signIn = async () => (await call('/auth/login', { email: api.user.email, password: PASSWORD })).json<Tokens>();
const refresh = (refreshToken: string) => call('/auth/refresh', { refreshToken });

describe('POST /auth/login', () => {
  it('gives a token that works, whatever the letter case of the address', async () => {
    const response = await call('/auth/login', { email: api.user.email.toUpperCase(), password: PASSWORD });
    expect(response.statusCode).toBe(200);
    const tokens = response.json<Tokens>();
    expect(tokens).toEqual({ accessToken: expect.any(String), refreshToken: expect.any(String), expiresIn: 600 });
    expect(decodeProtectedHeader(tokens.accessToken)).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) });
    expect(decodeJwt(tokens.accessToken)).toMatchObject({ sub: String(api.user.id), role: 'USER', iss: 'withdrawal-engine', aud: 'withdrawal-engine-api' });
    expect((await api.app.inject({ url: '/withdrawals', headers: { authorization: `Bearer ${tokens.accessToken}` } })).statusCode).toBe(200);
  });

  it('stores the refresh token only as its hash, and logs neither token nor password', async () => {
    const { refreshToken, accessToken } = await signIn();
    expect(await api.database.db.$count(refreshTokens, eq(refreshTokens.tokenHash, refreshTokenHash(refreshToken)))).toBe(1);
    expect(await api.database.db.$count(refreshTokens, eq(refreshTokens.tokenHash, refreshToken))).toBe(0);
    for (const secret of [refreshToken, accessToken, PASSWORD]) expect(api.logText()).not.toContain(secret);
  });

  it('says the same of a wrong password, an unknown address and a disabled account', async () => {
    await api.database.db.update(users).set({ isActive: false }).where(eq(users.id, api.stranger.id));
    const tries = [
      { email: api.user.email, password: 'wrong' },
      { email: 'nobody@example.com', password: PASSWORD },
      { email: api.stranger.email, password: PASSWORD },
    ];
    const answers = await Promise.all(tries.map((body) => call('/auth/login', body)));
    for (const answer of answers) expect(answer.statusCode).toBe(401);
    expect(new Set(answers.map((answer) => JSON.stringify(answer.json<{ error: unknown }>().error))).size).toBe(1);
    await api.database.db.update(users).set({ isActive: true }).where(eq(users.id, api.stranger.id));
  });

  it.each([{}, { email: 'a@b' }, { email: 1, password: 'x' }, { email: 'a@b', password: '' }, { email: 'a@b', password: 'x'.repeat(257) }, { email: 'a@b', password: 'x', role: 'ADMIN' }])('refuses %o', async (body) => {
    const response = await call('/auth/login', body);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ error: { code: 'VALIDATION_FAILED' } });
  });
});

describe('POST /auth/refresh', () => {
  it('rotates the token, and ends the session when one is used twice', async () => {
    const { refreshToken: first } = await signIn();
    const second = (await refresh(first)).json<Tokens>().refreshToken;
    expect(second).not.toBe(first);
    expect((await refresh(second)).statusCode).toBe(200);
    expect((await refresh(first)).statusCode).toBe(401);
    expect((await refresh(second)).json()).toMatchObject({ error: { code: 'UNAUTHENTICATED' } });
    expect(await api.database.db.$count(refreshTokens, eq(refreshTokens.tokenHash, refreshTokenHash(first)))).toBe(1);
  });

  it('rotates once for two calls at once, and the second ends the session', async () => {
    const { refreshToken } = await signIn();
    const answers = await Promise.all([refresh(refreshToken), refresh(refreshToken)]);
    // Which call the first to rotate is, and whether the other ended its session before it was answered, is theirs to race for.
    const statuses = answers.map(({ statusCode }) => statusCode).toSorted((left, right) => left - right);
    expect([[200, 401], [401, 401]]).toContainEqual(statuses);
    const [{ familyId } = { familyId: '' }] = await api.database.db.select().from(refreshTokens).where(eq(refreshTokens.tokenHash, refreshTokenHash(refreshToken)));
    const family = await api.database.db.select().from(refreshTokens).where(eq(refreshTokens.familyId, familyId));
    expect(family.map(({ usedAt, revokedAt }) => ({ used: usedAt !== null, revoked: revokedAt !== null })).toSorted((left, right) => Number(right.used) - Number(left.used))).toEqual([
      { used: true, revoked: true },
      { used: false, revoked: true },
    ]);
    for (const answer of answers) if (answer.statusCode === 200) expect((await refresh(answer.json<Tokens>().refreshToken)).statusCode).toBe(401);
  });

  it('refuses an expired session, an unknown token and a disabled account', async () => {
    const { refreshToken } = await signIn();
    await api.database.db.update(refreshTokens).set({ expiresAt: new Date(Date.now() - 1) }).where(eq(refreshTokens.tokenHash, refreshTokenHash(refreshToken)));
    expect((await refresh(refreshToken)).statusCode).toBe(401);
    expect((await refresh('unknown')).statusCode).toBe(401);
    const { refreshToken: another } = await signIn();
    await api.database.db.update(users).set({ isActive: false }).where(eq(users.id, api.user.id));
    expect((await refresh(another)).statusCode).toBe(401);
    await api.database.db.update(users).set({ isActive: true }).where(eq(users.id, api.user.id));
  });
});

describe('POST /auth/logout', () => {
  it('ends the session with all of its tokens, and answers the same again', async () => {
    const { refreshToken: first } = await signIn();
    const second = (await refresh(first)).json<Tokens>().refreshToken;
    for (let time = 0; time < 2; time += 1) expect((await call('/auth/logout', { refreshToken: first })).statusCode).toBe(204);
    expect((await refresh(second)).statusCode).toBe(401);
    expect((await call('/auth/logout', { refreshToken: 'unknown' })).statusCode).toBe(204);
  });
});

describe('a session', () => {
  it('ends a few seconds after its account was disabled', async () => {
    await api.database.db.update(users).set({ isActive: false }).where(eq(users.id, api.admin.id));
    // Not asked for before, so not cached.
    expect((await api.get('/withdrawals', api.admin)).statusCode).toBe(401);
  });
});
