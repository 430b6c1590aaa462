import { and, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../api/api.testkit.ts';
import { auditLog, secondFactors, users } from '../db/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../tests/harness/database.ts';
import { runScript } from '../tests/harness/run-script.ts';

const PASSWORD = 'four owls on a quiet roof';
const EMAIL = 'first.admin@example.com';

let database: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi();
});
afterAll(async () => {
  await api.close();
  await database.close();
});

const run = (args: string[], input = '', url = database.url) => runScript('accounts.ts', args, { DATABASE_URL: url }, input);
const rowOf = async (email: string) => (await database.db.select().from(users).where(eq(users.email, email)))[0];
const create = (...more: string[]) => run(['create-admin', '--email', EMAIL, '--password-stdin', ...more], `${PASSWORD}\n`);

describe('npm run accounts', () => {
  it('opens the first ADMIN, and another only for a reason', async () => {
    expect(await run(['list'])).toEqual({ code: 0, out: 'no accounts\n', err: '' });
    expect(await create()).toEqual({ code: 0, out: expect.stringMatching(/^first\.admin@example\.com is ADMIN, account \d+\n$/), err: '' });
    expect(await rowOf(EMAIL)).toMatchObject({ role: 'ADMIN', isActive: true, mustChangePassword: false });
    const second = ['create-admin', '--email', 'second.admin@example.com', '--password-stdin'];
    expect(await run(second, PASSWORD)).toMatchObject({ code: 1, out: expect.stringContaining('there is an active ADMIN already (first.admin@example.com)') });
    expect(await rowOf('second.admin@example.com')).toBeUndefined();
    expect(await run([...second, '--force', '--reason', 'the first has left'], PASSWORD)).toMatchObject({ code: 0, out: expect.stringContaining('the first has left') });
    expect(await create('--force', '--reason', 'again')).toMatchObject({ code: 1, out: 'there is an account first.admin@example.com already: nothing was changed\n' });
    const listed = await run(['list']);
    expect(listed.out).toMatch(/^id +email +role +state +created +last used\n\d+ +first\.admin@example\.com +ADMIN +active +\S+ +-\n\d+ +second\.admin@example\.com +ADMIN +active/);
    expect(listed.out).not.toContain('argon2');
  });

  it('opens one where every ADMIN is deactivated', async () => {
    await database.db.update(users).set({ isActive: false });
    expect((await run(['create-admin', '--email', 'rescue@example.com', '--password-stdin'], PASSWORD)).code).toBe(0);
  });

  it('opens an account that can sign in, and resets a password that must be changed then', async () => {
    const { account, app } = api;
    const signIn = (email: string, password: string) => app.inject({ method: 'POST', url: '/auth/login', payload: { email, password } });
    const created = await run(['create-admin', '--email', EMAIL, '--password-stdin', '--force', '--reason', 'test'], PASSWORD, api.database.url);
    expect(created.code).toBe(0);
    expect((await signIn(EMAIL, PASSWORD)).statusCode).toBe(200);

    const lost = await account('APPROVER');
    expect((await api.get('/admin/users', lost)).statusCode).toBe(200);
    expect(await run(['reset-password', '--email', lost.email.toUpperCase(), '--password-stdin'], PASSWORD, api.database.url)).toMatchObject({ code: 0, err: '' });
    expect((await api.get('/admin/users', lost)).statusCode).toBe(401);
    const authorization = `Bearer ${(await signIn(lost.email, PASSWORD)).json<{ accessToken: string }>().accessToken}`;
    expect((await app.inject({ url: '/admin/users', headers: { authorization } })).json()).toMatchObject({ error: { code: 'PASSWORD_CHANGE_REQUIRED' } });
    expect(await run(['reset-password', '--email', 'nobody@example.com', '--password-stdin'], PASSWORD, api.database.url)).toMatchObject({ code: 1, out: 'there is no account nobody@example.com\n' });
  });

  it('takes a lost second factor away, with the sessions, and says so in the audit log', async () => {
    const lost = await api.account('ADMIN');
    await api.database.db.insert(secondFactors).values({ userId: lost.id, version: 1, sealed: 'x', confirmedAt: new Date(), wrongTries: 3 });
    const reset = (...more: string[]) => run(['reset-second-factor', '--email', lost.email, ...more], '', api.database.url);
    expect((await reset()).code).toBe(2);
    expect(await reset('--reason', 'phone lost, asked in person')).toEqual({ code: 0, out: `${lost.email} has no second factor now; its sessions have ended\n`, err: '' });
    expect(await api.database.db.select().from(secondFactors).where(eq(secondFactors.userId, lost.id))).toMatchObject([{ sealed: null, confirmedAt: null, wrongTries: 0 }]);
    expect((await api.get('/admin/users', lost)).statusCode).toBe(401);
    const rows = await api.database.db.select().from(auditLog).where(and(eq(auditLog.action, 'second-factor.reset'), eq(auditLog.targetId, String(lost.id))));
    expect(rows.map(({ phase }) => phase)).toEqual(['BEGUN', 'ENDED']);
    expect(JSON.stringify(rows)).toContain('asked in person');
    expect((await run(['reset-second-factor', '--email', 'nobody@example.com', '--reason', 'x'], '', api.database.url)).code).toBe(1);
  });

  it('refuses weak passwords, passwords on the command line and wrong arguments, and changes nothing', async () => {
    const before = await database.db.$count(users);
    for (const password of ['', 'short', 'password1234', 'x@example.com\nx@example.com']) expect((await run(['create-admin', '--email', 'x@example.com', '--password-stdin', '--force', '--reason', 'test'], password)).code).toBe(2);
    const typed = await run(['create-admin', '--email', 'x@example.com', `--password=${PASSWORD}`]);
    expect(typed).toMatchObject({ code: 2, err: expect.stringContaining('taken for disclosed') });
    expect(typed.err).not.toContain(PASSWORD);
    for (const args of [['create-admin'], ['create-admin', '--email', 'x'], ['create-admin', '--email', 'x@example.com', '--force'], ['create-admin', '--email', 'x@example.com', '--reason', 'why'], ['reset-password', '--email', 'x@example.com', '--force', '--reason', 'x'], ['list', '--email', 'x@example.com'], ['remove'], ['list', 'more']]) {
      expect((await run(args, PASSWORD)).code).toBe(2);
    }
    expect(await run(['create-admin', '--email', 'x@example.com', '--force', '--reason', 'no terminal'])).toMatchObject({ code: 2, err: 'accounts: there is no terminal to ask for the password: give it by --password-stdin\n' });
    expect(await database.db.$count(users)).toBe(before);
  });

  it('explains itself, and says when the database is away', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('create-admin') });
    expect((await run([])).code).toBe(2);
    expect(await run(['list'], '', 'mysql://nobody:none@127.0.0.1:1/none')).toEqual({ code: 3, out: '', err: 'accounts: the database cannot be reached\n' });
  });
});
