import { eq, isNotNull } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passwordGuesses, refreshTokens, sessions, users } from '../../db/schema/index.ts';
import { PASSWORD, startTestApi, type TestAccount, type TestApi } from '../api.testkit.ts';
import { refreshTokenHash } from '../auth/refresh-token.ts';
import type { SessionView, Tokens } from '../schemas/auth.ts';

const NEXT = 'four owls on a quiet roof';
const DAY_MS = 24 * 3_600_000;
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const bearerOf = ({ accessToken }: Tokens) => ({ authorization: `Bearer ${accessToken}` });
async function signIn(email: string, password = PASSWORD, headers: Record<string, string> = {}): Promise<Tokens> {
  return (await api.app.inject({ method: 'POST', url: '/auth/login', payload: { email, password }, headers, remoteAddress: '198.51.100.7' })).json<Tokens>();
}
const acts = async (tokens: Tokens) => (await api.app.inject({ url: '/auth/sessions', headers: bearerOf(tokens) })).statusCode === 200;
const refreshes = async ({ refreshToken }: Tokens) => (await api.app.inject({ method: 'POST', url: '/auth/refresh', payload: { refreshToken } })).statusCode === 200;
const list = async (tokens: Tokens, query = '') => (await api.app.inject({ url: `/auth/sessions${query}`, headers: bearerOf(tokens) })).json<{ items: SessionView[]; nextCursor: string | null }>();
const end = (tokens: Tokens, path: string) => api.app.inject({ method: 'DELETE', url: `/auth/sessions${path}`, headers: bearerOf(tokens) });
const changePassword = (tokens: Tokens, body: object, remoteAddress = '198.51.100.8') => api.app.inject({ method: 'POST', url: '/auth/password', headers: bearerOf(tokens), payload: body, remoteAddress });

describe('GET /auth/sessions', () => {
  it('shows where and when each was opened and used, and which one asks', async () => {
    const { email } = await api.account('AUDITOR');
    const first = await signIn(email, PASSWORD, { 'user-agent': 'first/1.0' });
    const second = await signIn(email, PASSWORD, { 'user-agent': 'x'.repeat(400) });
    const { items, nextCursor } = await list(second);
    expect(nextCursor).toBeNull();
    expect(items.map(({ current }) => current)).toEqual([true, false, false]);
    expect(items[0]).toMatchObject({ ipAddress: '198.51.100.7', userAgent: 'x'.repeat(256) });
    expect(items[1]).toEqual({ id: expect.stringMatching(/^[0-9a-f]{32}$/), createdAt: expect.any(String), lastUsedAt: items[1]?.createdAt, expiresAt: expect.any(String), ipAddress: '198.51.100.7', userAgent: 'first/1.0', current: false });
    expect(Date.parse(items[1]?.expiresAt ?? '') - Date.parse(items[1]?.createdAt ?? '')).toBe(30 * DAY_MS);
    await api.app.inject({ method: 'POST', url: '/auth/refresh', payload: { refreshToken: first.refreshToken } });
    const used = (await list(second)).items[1];
    expect(Date.parse(used?.lastUsedAt ?? '')).toBeGreaterThan(Date.parse(used?.createdAt ?? ''));
  });

  it('goes through pages, and shows nobody else’s nor what has ended', async () => {
    const { email, id } = await api.account('USER');
    const tokens = [await signIn(email), await signIn(email), await signIn(email), await signIn(email)] as [Tokens, Tokens, Tokens, Tokens];
    const all = (await list(tokens[3])).items.map((session) => session.id);
    expect(all).toHaveLength(5);
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: SessionView[]; nextCursor: string | null } = await list(tokens[3], `?limit=2${cursor && `&cursor=${cursor}`}`);
      paged.push(...page.items.map((session) => session.id));
      cursor = page.nextCursor;
    }
    expect(paged).toEqual(all);
    await api.database.db.update(sessions).set({ createdAt: new Date(Date.now() - 7 * DAY_MS), refreshedAt: null }).where(eq(sessions.id, all[1] ?? ''));
    await api.database.db.update(sessions).set({ expiresAt: new Date() }).where(eq(sessions.id, all[2] ?? ''));
    await end(tokens[3], `/${all[3]}`);
    // The one that asks, and the first, which was never touched.
    expect((await list(tokens[3])).items.map((session) => session.id)).toEqual([all[0], all[4]]);
    expect(await api.database.db.$count(sessions, eq(sessions.userId, id))).toBe(5);
  });

  it.each(['?cursor=x', '?limit=0', '?limit=101', '?other=1'])('refuses %s', async (query) => {
    expect((await api.get(`/auth/sessions${query}`)).statusCode).toBe(400);
  });
});

describe('DELETE /auth/sessions', () => {
  it('ends one session at once with its refresh tokens, and answers the same again', async () => {
    const { email } = await api.account('USER');
    const [one, other] = [await signIn(email), await signIn(email)];
    const id = (await list(one)).items.find(({ current }) => current)?.id ?? '';
    for (let time = 0; time < 2; time += 1) expect((await end(other, `/${id}`)).statusCode).toBe(204);
    expect([await acts(one), await refreshes(one), await acts(other), await refreshes(other)]).toEqual([false, false, true, true]);
  });

  it('ends nobody else’s', async () => {
    const [mine, theirs] = [await signIn(api.user.email), await signIn(api.stranger.email)];
    const id = (await list(theirs)).items.find(({ current }) => current)?.id ?? '';
    expect((await end(mine, `/${id}`)).statusCode).toBe(404);
    expect((await end(mine, `/${'f'.repeat(32)}`)).statusCode).toBe(404);
    expect((await end(mine, '/x')).statusCode).toBe(400);
    expect(await acts(theirs)).toBe(true);
  });

  it('ends all but the one that asks', async () => {
    const { email } = await api.account('USER');
    const [one, two, three] = [await signIn(email), await signIn(email), await signIn(email)];
    expect((await end(two, '')).statusCode).toBe(204);
    expect([await acts(one), await acts(two), await acts(three), await refreshes(three)]).toEqual([false, true, false, false]);
  });
});

describe('POST /auth/password', () => {
  it('sets the new one and ends every other session at once', async () => {
    const { email } = await api.account('USER');
    const [mine, other] = [await signIn(email), await signIn(email)];
    expect((await changePassword(mine, { currentPassword: PASSWORD, newPassword: NEXT })).statusCode).toBe(204);
    expect([await acts(mine), await refreshes(mine), await acts(other), await refreshes(other)]).toEqual([true, true, false, false]);
    expect((await api.app.inject({ method: 'POST', url: '/auth/login', payload: { email, password: PASSWORD } })).statusCode).toBe(401);
    expect(await acts(await signIn(email, NEXT))).toBe(true);
    for (const secret of [PASSWORD, NEXT]) expect(api.logText()).not.toContain(secret);
  });

  it.each([
    [{ currentPassword: 'not the present one', newPassword: NEXT }, 'currentPassword', 'wrong-password'],
    [{ currentPassword: PASSWORD, newPassword: PASSWORD }, 'newPassword', 'unchanged'],
    [{ currentPassword: PASSWORD, newPassword: 'too short' }, 'newPassword', 'too-short'],
    [{ currentPassword: PASSWORD, newPassword: 'password1234' }, 'newPassword', 'too-common'],
  ])('refuses %o, and changes nothing', async (body, field, reason) => {
    const { email } = await api.account('USER');
    const [mine, other] = [await signIn(email), await signIn(email)];
    const response = await changePassword(mine, body);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ error: { code: 'VALIDATION_FAILED' }, details: [{ field, reason }] });
    expect(await acts(other)).toBe(true);
    expect(await acts(await signIn(email))).toBe(true);
  });

  it('slows guesses at the present one down like sign-ins', async () => {
    const { email } = await api.account('USER');
    const tokens = await signIn(email);
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      if (attempt === 5) await api.database.db.update(passwordGuesses).set({ waitUntil: new Date(Date.now() + DAY_MS) }).where(isNotNull(passwordGuesses.waitUntil));
      statuses.push((await changePassword(tokens, { currentPassword: `guess ${attempt}`, newPassword: NEXT }, '198.51.100.9')).statusCode);
    }
    expect(statuses).toEqual([400, 400, 400, 400, 400, 429]);
  });

  it('lets one of two changes at once win', async () => {
    const { email } = await api.account('USER');
    const tokens = await signIn(email);
    const answers = await Promise.all([changePassword(tokens, { currentPassword: PASSWORD, newPassword: NEXT }), changePassword(tokens, { currentPassword: PASSWORD, newPassword: `${NEXT} too` })]);
    expect(answers.filter(({ statusCode }) => statusCode === 204)).toHaveLength(1);
    const winner = answers[0]?.statusCode === 204 ? NEXT : `${NEXT} too`;
    expect(await acts(await signIn(email, winner))).toBe(true);
  });

  it('is all an account can do whose password someone else has set', async () => {
    const { email, id } = await api.account('ADMIN');
    await api.database.db.update(users).set({ mustChangePassword: true }).where(eq(users.id, id));
    const tokens = await signIn(email);
    for (const url of ['/withdrawals', '/admin/users', '/auth/sessions']) {
      const response = await api.app.inject({ url, headers: bearerOf(tokens) });
      expect(response.statusCode).toBe(403);
      expect(response.json()).toMatchObject({ error: { code: 'PASSWORD_CHANGE_REQUIRED' } });
    }
    expect((await changePassword(tokens, { currentPassword: PASSWORD, newPassword: NEXT })).statusCode).toBe(204);
    expect((await api.app.inject({ url: '/admin/users', headers: bearerOf(tokens) })).statusCode).toBe(200);
  });
});

describe('a session', () => {
  it('that is logged out acts no more, not even by the access token', async () => {
    const tokens = await signIn(api.user.email);
    expect(await acts(tokens)).toBe(true);
    expect((await api.app.inject({ method: 'POST', url: '/auth/logout', payload: { refreshToken: tokens.refreshToken } })).statusCode).toBe(204);
    expect([await acts(tokens), await refreshes(tokens)]).toEqual([false, false]);
  });

  it('whose refresh token was used twice acts no more, not even by the access token', async () => {
    const tokens = await signIn(api.user.email);
    const next = (await api.app.inject({ method: 'POST', url: '/auth/refresh', payload: { refreshToken: tokens.refreshToken } })).json<Tokens>();
    expect(await acts(next)).toBe(true);
    expect(await refreshes(tokens)).toBe(false);
    expect([await acts(next), await refreshes(next)]).toEqual([false, false]);
  });

  it('ends with whichever comes first: thirty days, or seven without a refresh', async () => {
    const tokens = await signIn(api.user.email);
    const endOf = async ({ refreshToken }: Tokens) => (await api.database.db.select().from(refreshTokens).where(eq(refreshTokens.tokenHash, refreshTokenHash(refreshToken))))[0]?.expiresAt.getTime() ?? 0;
    expect(Math.abs((await endOf(tokens)) - Date.now() - 7 * DAY_MS)).toBeLessThan(60_000);
    const [token] = await api.database.db.select().from(refreshTokens).where(eq(refreshTokens.tokenHash, refreshTokenHash(tokens.refreshToken)));
    const sessionEnd = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + DAY_MS);
    await api.database.db.update(sessions).set({ expiresAt: sessionEnd }).where(eq(sessions.id, token?.familyId ?? ''));
    const next = (await api.app.inject({ method: 'POST', url: '/auth/refresh', payload: { refreshToken: tokens.refreshToken } })).json<Tokens>();
    expect(await endOf(next)).toBe(sessionEnd.getTime());
    await api.database.db.update(sessions).set({ expiresAt: new Date(Date.now() - 1) }).where(eq(sessions.id, token?.familyId ?? ''));
    expect([await acts(next), await refreshes(next)]).toEqual([false, false]);
  });

  it('is not opened by a password that is changed meanwhile, however the two meet', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { email } = await api.account('USER');
      const tokens = await signIn(email);
      const [changed, ...opened] = await Promise.all([changePassword(tokens, { currentPassword: PASSWORD, newPassword: NEXT }), signIn(email), signIn(email), signIn(email)]);
      expect(changed.statusCode).toBe(204);
      for (const session of opened) if (session.accessToken !== undefined) expect(await acts(session)).toBe(false);
    }
  });
});

describe('refreshing and ending at once', () => {
  it('leaves nothing that can go on', async () => {
    for (let round = 0; round < 5; round += 1) {
      const account: TestAccount = await api.account('USER');
      const tokens = await signIn(account.email);
      const id = (await list(tokens)).items.find(({ current }) => current)?.id ?? '';
      const [refreshed] = await Promise.all([
        api.app.inject({ method: 'POST', url: '/auth/refresh', payload: { refreshToken: tokens.refreshToken } }),
        api.app.inject({ method: 'DELETE', url: `/auth/sessions/${id}`, headers: { authorization: account.bearer } }),
      ]);
      if (refreshed.statusCode === 200) expect([await acts(refreshed.json<Tokens>()), await refreshes(refreshed.json<Tokens>())]).toEqual([false, false]);
      expect(await acts(tokens)).toBe(false);
    }
  });
});
