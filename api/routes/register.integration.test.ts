import { eq, isNotNull, sql } from 'drizzle-orm';
import type { LightMyRequestResponse } from 'fastify';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditLog, passwordGuesses, users } from '../../db/schema/index.ts';
import { PASSWORD, startTestApi, type TestApi } from '../api.testkit.ts';
import type { Tokens } from '../schemas/auth.ts';

const OTHER = 'seven grey geese fly south';
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

let places = 0;
/** From a place of its own each time, so that no test waits for another's guesses. */
const from = () => {
  places += 1;
  return `198.51.100.${places}`;
};
const call = (url: string, payload: object, remoteAddress = from()) => api.app.inject({ method: 'POST', url, payload, remoteAddress });
const register = (email: string, password = PASSWORD, remoteAddress?: string) => call('/auth/register', { email, password }, remoteAddress);
const accountIn = (response: LightMyRequestResponse) => Number(decodeJwt(response.json<Tokens>().accessToken).sub);
const rowsUnder = (email: string) => api.database.db.$count(users, eq(users.askedEmail, email));
const userOf = async (id: number) => (await api.database.db.select().from(users).where(eq(users.id, id)))[0];

/** Passwords hashed while `work` ran. */
async function hashesDuring(work: () => Promise<unknown>): Promise<number> {
  const count = async () => Number(/^password_hashes_total\{[^}]*\} (\d+)$/m.exec((await api.app.inject('/metrics')).body)?.[1]);
  const before = await count();
  await work();
  return (await count()) - before;
}

describe('POST /auth/register', () => {
  it('opens a USER account and signs it in', async () => {
    const response = await register(' New.Person@Example.com ');
    expect(response.statusCode).toBe(201);
    expect(response.json()).toEqual({ accessToken: expect.any(String), refreshToken: expect.any(String), expiresIn: 600 });
    expect(await userOf(accountIn(response))).toMatchObject({ email: 'new.person@example.com', askedEmail: null, role: 'USER', isActive: true, mustChangePassword: false });
    expect((await api.app.inject({ url: '/withdrawals', headers: { authorization: `Bearer ${response.json<Tokens>().accessToken}` } })).statusCode).toBe(200);
    expect(accountIn(await call('/auth/login', { email: 'new.person@example.com', password: PASSWORD }))).toBe(accountIn(response));
    expect(api.logText()).not.toContain(PASSWORD);
  });

  it('is in the audit log before the account is there, with the number it got', async () => {
    const account = accountIn(await register('logged@example.com'));
    const rows = await api.database.db.select().from(auditLog).where(eq(auditLog.actorName, 'logged@example.com')).orderBy(auditLog.id);
    expect(rows.map(({ action, phase, targetKind, targetId, status }) => ({ action, phase, targetKind, targetId, status }))).toEqual([
      { action: 'account.register', phase: 'BEGUN', targetKind: null, targetId: null, status: null },
      { action: 'account.register', phase: 'ENDED', targetKind: 'account', targetId: String(account), status: 201 },
    ]);
  });

  it('opens a shadow account where the address is taken, answers the same, and leaves the other as it was', async () => {
    const before = await userOf(api.user.id);
    const free = await register('free@example.com', OTHER);
    const taken = await register(api.user.email, OTHER);
    expect(taken.statusCode).toBe(free.statusCode);
    expect(Object.keys(taken.json<Tokens>())).toEqual(Object.keys(free.json<Tokens>()));
    const headersOf = (response: typeof free) => Object.keys(response.headers).toSorted();
    expect(headersOf(taken)).toEqual(headersOf(free));
    // Not even the numbers of the accounts show a row that was refused.
    expect(accountIn(taken)).toBe(accountIn(free) + 1);
    expect(accountIn(taken)).not.toBe(api.user.id);
    expect(await userOf(accountIn(taken))).toMatchObject({ email: expect.stringMatching(/^shadow:[0-9a-f]{32}$/), askedEmail: api.user.email, role: 'USER' });
    expect(await userOf(api.user.id)).toEqual(before);
    expect((await api.get('/withdrawals', api.user)).statusCode).toBe(200);
  });

  it('lets whoever has a shadow account sign in, register again and change its password as with any other', async () => {
    for (const email of ['steady@example.com', api.stranger.email]) {
      const opened = await register(email, OTHER);
      const account = accountIn(opened);
      const bearer = `Bearer ${opened.json<Tokens>().accessToken}`;
      expect(accountIn(await call('/auth/login', { email, password: OTHER }))).toBe(account);
      expect(accountIn(await register(email, OTHER))).toBe(account);
      const changed = await api.app.inject({ method: 'POST', url: '/auth/password', headers: { authorization: bearer }, payload: { currentPassword: OTHER, newPassword: `${OTHER} again` }, remoteAddress: from() });
      expect(changed.statusCode).toBe(204);
      expect((await call('/auth/login', { email, password: OTHER })).statusCode).toBe(401);
      expect(accountIn(await call('/auth/login', { email, password: `${OTHER} again` }))).toBe(account);
    }
    expect(accountIn(await call('/auth/login', { email: api.stranger.email, password: PASSWORD }))).toBe(api.stranger.id);
  });

  it('signs in the account whose password it is', async () => {
    expect(accountIn(await register(api.user.email, PASSWORD))).toBe(api.user.id);
  });

  it('computes one hash whatever the address is, as a sign-in does', async () => {
    await register('known@example.com', OTHER);
    const cases = [
      () => register('unheard-of@example.com'), () => register('known@example.com', PASSWORD), () => register('known@example.com', OTHER),
      () => call('/auth/login', { email: 'known@example.com', password: OTHER }), () => call('/auth/login', { email: 'known@example.com', password: 'wrong' }), () => call('/auth/login', { email: 'nobody@example.com', password: OTHER }),
    ];
    for (const work of cases) expect(await hashesDuring(work)).toBe(1);
  });

  it('opens one account for two calls at once with one password, and two with two, with no number left out', async () => {
    const same = await Promise.all([register('twice@example.com'), register('twice@example.com')]);
    expect(same.map(({ statusCode }) => statusCode)).toEqual([201, 201]);
    expect(new Set(same.map(accountIn)).size).toBe(1);
    for (const email of ['race@example.com', api.approver.email]) {
      const both = await Promise.all([register(email, OTHER), register(email, `${OTHER} too`)]);
      const ids = both.map(accountIn);
      expect(Math.abs((ids[0] ?? 0) - (ids[1] ?? 0))).toBe(1);
      expect(ids).not.toContain(api.approver.id);
      for (const [index, password] of [OTHER, `${OTHER} too`].entries()) expect(accountIn(await call('/auth/login', { email, password }))).toBe(ids[index]);
    }
    expect(await rowsUnder('race@example.com')).toBe(1);
  });

  it('opens a new account where the one with that password was deactivated', async () => {
    const first = accountIn(await register('left@example.com'));
    await api.database.db.update(users).set({ isActive: false }).where(eq(users.id, first));
    const second = accountIn(await register('left@example.com'));
    expect(second).not.toBe(first);
    expect(accountIn(await call('/auth/login', { email: 'left@example.com', password: PASSWORD }))).toBe(second);
  });

  it.each([
    [{ email: 'short@example.com', password: 'eleven char' }, 'password', 'too-short'],
    [{ email: 'long@example.com', password: 'vT9#kQ2!'.repeat(17) }, 'password', 'too-long'],
    [{ email: 'common@example.com', password: 'password1234' }, 'password', 'too-common'],
    [{ email: 'someone@example.com', password: 'Someone@Example.com' }, 'password', 'is-the-address'],
    [{ email: 'not an address', password: PASSWORD }, 'email', 'not-an-email'],
    [{ email: 'role@example.com', password: PASSWORD, role: 'ADMIN' }, 'role', 'additionalProperties'],
  ])('refuses %o', async (body, field, reason) => {
    const response = await call('/auth/register', body);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ error: { code: 'VALIDATION_FAILED' }, details: [{ field, reason }] });
    expect(await api.database.db.$count(users, eq(users.email, body.email))).toBe(0);
  });

  it('is refused in so many words where operators open accounts', async () => {
    const before = await api.database.db.$count(users);
    api.settings.accounts.registration = 'closed';
    try {
      const response = await register('closed@example.com');
      expect(response.statusCode).toBe(403);
      expect(response.json()).toMatchObject({ error: { code: 'REGISTRATION_CLOSED' } });
    } finally {
      api.settings.accounts.registration = 'open';
    }
    expect(await api.database.db.$count(users)).toBe(before);
  });
});

describe('guesses', () => {
  const wrong = (email: string, ip: string) => call('/auth/login', { email, password: 'not the password' }, ip);
  const waited = () => api.database.db.update(passwordGuesses).set({ waitUntil: new Date(Date.now() - 1) }).where(isNotNull(passwordGuesses.waitUntil));
  /** Puts off the end of every wait that was set, so that a slow machine does not outlast it. */
  const held = () => api.database.db.update(passwordGuesses).set({ waitUntil: sql`${passwordGuesses.waitUntil} + INTERVAL 1 HOUR` }).where(isNotNull(passwordGuesses.waitUntil));

  it('get 429 from the fifth wrong password on, right or wrong, without a hash, whether the account exists or not', async () => {
    const ip = from();
    const answers: string[][] = [];
    for (const email of [api.user.email, 'no-such-account@example.com']) {
      for (let attempt = 0; attempt < 5; attempt += 1) expect((await wrong(email, ip)).statusCode).toBe(401);
      const bodies: string[] = [];
      await held();
      const hashes = await hashesDuring(async () => {
        for (const password of [PASSWORD, 'not the password']) {
          for (const url of ['/auth/login', '/auth/register']) {
            const response = await call(url, { email, password: password.padEnd(12, '.') }, ip);
            expect(response.statusCode).toBe(429);
            const seconds = String(response.headers['retry-after']);
            expect(Number(seconds)).toBeGreaterThan(3_000);
            bodies.push(JSON.stringify(response.json<{ error: unknown }>().error).replace(seconds, 'some'));
          }
        }
      });
      expect(hashes).toBe(0);
      answers.push(bodies);
    }
    expect(answers[0]).toEqual(answers[1]);
    expect(new Set(answers.flat()).size).toBe(1);
  });

  it('grow slower with each, and nobody elsewhere waits for them', async () => {
    const ip = from();
    for (let attempt = 0; attempt < 5; attempt += 1) await wrong(api.admin.email, ip);
    for (let more = 0; more < 3; more += 1) {
      await waited();
      expect((await wrong(api.admin.email, ip)).statusCode).toBe(401);
      await held();
      expect((await wrong(api.admin.email, ip)).statusCode).toBe(429);
    }
    expect((await call('/auth/login', { email: api.admin.email, password: PASSWORD }, from())).statusCode).toBe(200);
    await waited();
    expect((await call('/auth/login', { email: api.admin.email, password: PASSWORD }, ip)).statusCode).toBe(200);
  });

  it('are counted one by one when they come at once', async () => {
    const ip = from();
    const email = 'many-at-once@example.com';
    for (let attempt = 0; attempt < 3; attempt += 1) await wrong(email, ip);
    // The next one but one has to wait for a quarter of an hour.
    await api.database.db.update(passwordGuesses).set({ failures: 20 }).where(eq(passwordGuesses.failures, 3));
    const answers = await Promise.all(Array.from({ length: 12 }, () => wrong(email, ip)));
    expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([401, ...Array.from({ length: 11 }, () => 429)]);
  });

  it('are not what many sign-ins with the right password at once are', async () => {
    const ip = from();
    const { email } = await api.account('USER');
    const answers = await Promise.all(Array.from({ length: 20 }, () => call('/auth/login', { email, password: PASSWORD }, ip)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(answers.map(() => 200));
  });

  it('are not forgotten because somebody signs in to another account under the address', async () => {
    const email = (await api.account('USER')).email;
    const ip = from();
    await register(email, OTHER, ip);
    for (let attempt = 0; attempt < 4; attempt += 1) {
      expect((await call('/auth/login', { email, password: OTHER }, ip)).statusCode).toBe(200);
      expect((await wrong(email, ip)).statusCode).toBe(401);
    }
    await held();
    expect((await wrong(email, ip)).statusCode).toBe(429);
  });

  it('by registering, or by changing a password and signing in with it, count too', async () => {
    const email = (await api.account('USER')).email;
    const byRegistering = from();
    const guesses = Array.from({ length: 6 }, (_, index) => `guess number ${index} of mine`);
    for (const [index, password] of guesses.entries()) {
      if (index === 5) await held();
      expect((await register(email, password, byRegistering)).statusCode).toBe(index < 5 ? 201 : 429);
    }
    const byChanging = from();
    let current = guesses[0] ?? '';
    const bearer = async () => `Bearer ${(await call('/auth/login', { email, password: current }, byChanging)).json<Tokens>().accessToken}`;
    for (let index = 0; index < 5; index += 1) {
      const newPassword = `another guess ${index} of mine`;
      const authorization = await bearer();
      expect((await api.app.inject({ method: 'POST', url: '/auth/password', headers: { authorization }, payload: { currentPassword: current, newPassword }, remoteAddress: byChanging })).statusCode).toBe(204);
      current = newPassword;
    }
    await held();
    expect((await call('/auth/login', { email, password: current }, byChanging)).statusCode).toBe(429);
  });

  it('from many places together wait too, but not where somebody has signed in before', async () => {
    const { email } = await api.account('USER');
    const home = from();
    expect((await call('/auth/login', { email, password: PASSWORD }, home)).statusCode).toBe(200);
    const elsewhere = Array.from({ length: 25 }, (_, index) => `203.0.113.${index}`);
    for (const place of elsewhere) for (let attempt = 0; attempt < 4; attempt += 1) expect((await wrong(email, place)).statusCode).toBe(401);
    await held();
    expect((await wrong(email, from())).statusCode).toBe(429);
    expect((await call('/auth/login', { email, password: PASSWORD }, from())).statusCode).toBe(429);
    expect((await call('/auth/login', { email, password: PASSWORD }, home)).statusCode).toBe(200);
  });

  it('are counted by the /64 of an IPv6 address', async () => {
    for (let attempt = 0; attempt < 5; attempt += 1) await wrong(api.approver.email, `2001:db8::${attempt + 1}`);
    await held();
    expect((await wrong(api.approver.email, '2001:db8::ffff')).statusCode).toBe(429);
    expect((await wrong(api.approver.email, '2001:db8:0:1::1')).statusCode).toBe(401);
  });

  it('leave no address in the table, and no row once they have faded', async () => {
    const rows = await api.database.db.select().from(passwordGuesses);
    expect(rows.length).toBeGreaterThan(10);
    for (const { subject } of rows) expect(subject).toMatch(/^[0-9a-f]{64}$/);
    await api.database.db.update(passwordGuesses).set({ forgetAt: new Date(0), waitUntil: null });
    for (let attempt = 0; attempt < rows.length / 10 + 1; attempt += 1) await wrong(`fading-${attempt}@example.com`, from());
    expect(await api.database.db.$count(passwordGuesses, eq(passwordGuesses.forgetAt, new Date(0)))).toBe(0);
  });

  it('are counted in the database: a Redis that is emptied forgets none', async () => {
    const ip = from();
    for (let attempt = 0; attempt < 5; attempt += 1) await wrong('elsewhere@example.com', ip);
    await held();
    await api.redis.flushdb();
    expect((await wrong('elsewhere@example.com', ip)).statusCode).toBe(429);
  });
});
