import { and, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditLog, users } from '../../../db/schema/index.ts';
import type { Role } from '../../../domain/status.ts';
import { PASSWORD, startTestApi, type TestAccount, type TestApi } from '../../api.testkit.ts';
import type { Tokens } from '../../schemas/auth.ts';
import type { UserView } from '../../schemas/user.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const list = async (query = '', by = api.admin) => (await api.get(`/admin/users${query}`, by)).json<{ items: UserView[]; nextCursor: string | null }>();
const open = (body: object, by = api.admin) => api.app.inject({ method: 'POST', url: '/admin/users', headers: { authorization: by.bearer }, payload: body });
const change = (id: number, body: object, by = api.admin) => api.app.inject({ method: 'PATCH', url: `/admin/users/${id}`, headers: { authorization: by.bearer }, payload: { reason: 'as agreed', ...body } });
const signIn = async (email: string, password = PASSWORD) => (await api.app.inject({ method: 'POST', url: '/auth/login', payload: { email, password } })).json<Tokens>();
const statusOf = async (account: TestAccount, url = '/withdrawals') => (await api.get(url, account)).statusCode;
const rowOf = async (id: number) => (await api.database.db.select().from(users).where(eq(users.id, id)))[0];

describe('GET /admin/users', () => {
  it('is for whoever may look at everything, and nobody else', async () => {
    for (const [role, status] of [['ADMIN', 200], ['APPROVER', 200], ['AUDITOR', 200], ['USER', 403]] as const satisfies (readonly [Role, number])[]) {
      const account = await api.account(role);
      for (const url of ['/admin/users', `/admin/users/${api.user.id}`]) expect(await statusOf(account, url)).toBe(status);
    }
    expect((await api.app.inject('/admin/users')).statusCode).toBe(401);
  });

  it('goes through pages, each account once, and shows nothing of a password', async () => {
    const ids: number[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: UserView[]; nextCursor: string | null } = await list(`?limit=3${cursor && `&cursor=${cursor}`}`);
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(ids).toEqual((await api.database.db.select({ id: users.id }).from(users).orderBy(users.id)).map(({ id }) => id));
    expect(JSON.stringify(await list())).not.toContain('argon2');
    expect((await api.get(`/admin/users/${api.user.id}`, api.admin)).json()).toEqual({
      id: api.user.id, email: api.user.email, askedEmail: null, role: 'USER', isActive: true, mustChangePassword: false, createdAt: expect.any(String), lastUsedAt: expect.any(String),
    });
  });

  it('finds by the beginning of an address, shadow accounts too, by role and by whether it may act', async () => {
    const { email, id } = await api.account('AUDITOR');
    await api.app.inject({ method: 'POST', url: '/auth/register', payload: { email, password: 'another password of a stranger' } });
    const found = (await list(`?email=${email.slice(0, 12).toUpperCase()}`)).items.filter((user) => user.email === email || user.askedEmail === email);
    expect(found.map((user) => [user.email === email, user.askedEmail])).toEqual([[true, null], [false, email]]);
    expect((await list('?role=AUDITOR')).items.map((user) => user.id)).toContain(id);
    await api.database.db.update(users).set({ isActive: false }).where(eq(users.id, id));
    expect((await list('?active=false')).items.map((user) => user.id)).toEqual([id]);
    expect((await list('?active=true&role=AUDITOR')).items.map((user) => user.id)).not.toContain(id);
    for (const sign of ['%25', '_', '%5C']) expect((await list(`?email=${sign}`)).items).toEqual([]);
  });

  it.each(['?role=OWNER', '?active=maybe', '?cursor=x', '?limit=0'])('refuses %s', async (query) => {
    expect((await api.get(`/admin/users${query}`, api.admin)).statusCode).toBe(400);
  });

  it('does not know an account that is not there', async () => {
    expect((await api.get('/admin/users/999999', api.admin)).statusCode).toBe(404);
    expect((await api.get('/admin/users/x', api.admin)).statusCode).toBe(400);
  });
});

describe('POST /admin/users', () => {
  it('opens an account whose first password is shown once and opens nothing but its change', async () => {
    const response = await open({ email: 'Fresh.Approver@Example.com', role: 'APPROVER' });
    expect(response.statusCode).toBe(201);
    const { initialPassword, ...view } = response.json<UserView & { initialPassword: string }>();
    expect(view).toEqual({ id: expect.any(Number), email: 'fresh.approver@example.com', askedEmail: null, role: 'APPROVER', isActive: true, mustChangePassword: true, createdAt: expect.any(String), lastUsedAt: null });
    expect(initialPassword).toMatch(/^[A-Za-z0-9_-]{24}$/);
    expect(api.logText()).not.toContain(initialPassword);
    const headers = { authorization: `Bearer ${(await signIn(view.email, initialPassword)).accessToken}` };
    expect((await api.app.inject({ url: '/admin/users', headers })).json()).toMatchObject({ error: { code: 'PASSWORD_CHANGE_REQUIRED' } });
    expect((await api.app.inject({ method: 'POST', url: '/auth/password', headers, payload: { currentPassword: initialPassword, newPassword: PASSWORD } })).statusCode).toBe(204);
    expect((await api.app.inject({ url: '/admin/users', headers })).statusCode).toBe(200);
    expect(await rowOf(view.id)).toMatchObject({ mustChangePassword: false });
  });

  it('touches no account that has the address already', async () => {
    const before = await rowOf(api.user.id);
    const response = await open({ email: api.user.email, role: 'ADMIN' });
    expect(response.statusCode).toBe(409);
    expect(response.json()).toMatchObject({ error: { code: 'INVALID_STATE' }, details: [{ field: 'email', reason: 'address-taken' }] });
    expect(await rowOf(api.user.id)).toEqual(before);
  });

  it('is for ADMINs', async () => {
    for (const role of ['USER', 'APPROVER', 'AUDITOR'] as const) expect((await open({ email: 'x@example.com', role: 'ADMIN' }, await api.account(role))).statusCode).toBe(403);
    for (const body of [{}, { email: 'x@example.com' }, { email: 'x', role: 'USER' }, { email: 'x@example.com', role: 'OWNER' }]) expect((await open(body)).statusCode).toBe(400);
  });
});

describe('PATCH /admin/users/:id', () => {
  it('takes effect at once: sessions end, and the next one has the new role', async () => {
    const account = await api.account('USER');
    const session = await signIn(account.email);
    expect(await statusOf(account, '/admin/users')).toBe(403);
    const response = await change(account.id, { role: 'AUDITOR' });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ id: account.id, role: 'AUDITOR', isActive: true });
    expect(await statusOf(account)).toBe(401);
    expect((await api.app.inject({ method: 'POST', url: '/auth/refresh', payload: { refreshToken: session.refreshToken } })).statusCode).toBe(401);
    const { accessToken } = await signIn(account.email);
    expect((await api.app.inject({ url: '/admin/users', headers: { authorization: `Bearer ${accessToken}` } })).statusCode).toBe(200);
  });

  it('is in the audit log with what stood before and after, and why', async () => {
    const account = await api.account('USER');
    await change(account.id, { role: 'APPROVER', reason: 'joins the treasury' });
    const [ended] = await api.database.db.select().from(auditLog).where(and(eq(auditLog.action, 'account.change'), eq(auditLog.targetId, String(account.id)), eq(auditLog.phase, 'ENDED')));
    expect(ended).toMatchObject({ actorId: api.admin.id, status: 200 });
    expect(JSON.parse(ended?.stateBefore ?? '')).toEqual({ role: 'USER', isActive: true });
    expect(JSON.parse(ended?.stateAfter ?? '')).toEqual({ role: 'APPROVER', isActive: true, reason: 'joins the treasury' });
  });

  it('deactivates and activates again; what had ended stays ended', async () => {
    const account = await api.account('USER');
    expect((await change(account.id, { isActive: false })).statusCode).toBe(200);
    expect(await statusOf(account)).toBe(401);
    expect((await signIn(account.email)).accessToken).toBeUndefined();
    expect((await change(account.id, { isActive: true })).statusCode).toBe(200);
    expect(await statusOf(account)).toBe(401);
    expect((await signIn(account.email)).accessToken).toBeDefined();
  });

  it('said twice changes once, and ends no session that was opened in between', async () => {
    const account = await api.account('USER');
    await change(account.id, { role: 'APPROVER' });
    const { accessToken } = await signIn(account.email);
    expect((await change(account.id, { role: 'APPROVER' })).statusCode).toBe(200);
    expect((await api.app.inject({ url: '/admin/users', headers: { authorization: `Bearer ${accessToken}` } })).statusCode).toBe(200);
  });

  it('lets nobody change themselves', async () => {
    for (const body of [{ role: 'USER' }, { isActive: false }]) {
      const response = await change(api.admin.id, body);
      expect(response.statusCode).toBe(409);
      expect(response.json()).toMatchObject({ error: { code: 'INVALID_STATE' }, details: [{ reason: 'own-account' }] });
    }
    expect(await rowOf(api.admin.id)).toMatchObject({ role: 'ADMIN', isActive: true });
  });

  it('leaves a shadow account a USER', async () => {
    await api.app.inject({ method: 'POST', url: '/auth/register', payload: { email: api.approver.email, password: 'another password of a stranger' } });
    const [shadow] = await api.database.db.select().from(users).where(eq(users.askedEmail, api.approver.email));
    expect((await change(shadow?.id ?? 0, { role: 'ADMIN' })).json()).toMatchObject({ details: [{ reason: 'shadow-account' }] });
    expect((await change(shadow?.id ?? 0, { isActive: false })).statusCode).toBe(200);
  });

  it('leaves one of two ADMINs who demote each other at once, or of three in a ring', async () => {
    for (const size of [2, 3, 2, 3, 2]) {
      const ring = await Promise.all(Array.from({ length: size }, () => api.account('ADMIN')));
      const next = (index: number) => ring[(index + 1) % size] as TestAccount;
      const answers = await Promise.all(ring.map((actor, index) => change(next(index).id, index % 2 === 0 ? { role: 'USER' } : { isActive: false }, actor)));
      const left = (await Promise.all(ring.map(({ id }) => rowOf(id)))).filter((row) => row?.role === 'ADMIN' && row.isActive);
      expect(left.length).toBeGreaterThanOrEqual(1);
      expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(size - left.length);
      for (const { statusCode } of answers) expect([200, 401, 403]).toContain(statusCode);
    }
  });

  it('is for ADMINs, and says what is missing', async () => {
    for (const role of ['USER', 'APPROVER', 'AUDITOR'] as const) expect((await change(api.user.id, { role: 'USER' }, await api.account(role))).statusCode).toBe(403);
    expect((await change(999_999, { role: 'USER' })).statusCode).toBe(404);
    for (const body of [{}, { role: 'OWNER' }, { role: 'USER', reason: '' }, { role: 'USER', email: 'other@example.com' }, { isActive: 'no' }]) expect((await change(api.user.id, body)).statusCode).toBe(400);
  });
});
