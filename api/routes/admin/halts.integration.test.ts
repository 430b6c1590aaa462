import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { setHalt } from '../../../db/repositories/operations/halts.ts';
import { RECOVERY_HALT } from '../../../db/repositories/payments/books.ts';
import { passHaltGate } from '../../../db/repositories/operations/halt-gate.ts';
import { halts } from '../../../db/schema/index.ts';
import { transact } from '../../../db/transact.ts';
import { BODY, startTestApi, TOKEN, WALLET, type TestAccount, type TestApi } from '../../api.testkit.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
afterEach(() => api.database.db.delete(halts));

const call = (path: 'halt' | 'resume', payload: object, by: TestAccount | null = api.admin) =>
  api.app.inject({ method: 'POST', url: `/admin/${path}`, headers: { ...(by && { authorization: by.bearer }), 'accept-language': 'en' }, payload });
const standing = async () => (await api.get('/admin/halts', api.admin)).json<{ items: object[]; nextCursor: null }>();

describe('POST /admin/halt', () => {
  it.each([
    [{ scope: 'global' }, { scope: 'global', target: null }],
    [{ scope: 'chain', target: 'polygon-amoy' }, { scope: 'chain', target: '80002' }],
    [{ scope: 'chain', target: '80002' }, { scope: 'chain', target: '80002' }],
    [{ scope: 'token', target: 'USDC' }, { scope: 'token', target: TOKEN }],
    [{ scope: 'token', target: 'usdc' }, { scope: 'token', target: TOKEN }],
    [{ scope: 'token', target: TOKEN.toLowerCase() }, { scope: 'token', target: TOKEN }],
    [{ scope: 'token', target: 'native' }, { scope: 'token', target: 'native' }],
    [{ scope: 'token', target: 'POL' }, { scope: 'token', target: 'native' }],
    [{ scope: 'wallet', target: WALLET.toLowerCase() }, { scope: 'wallet', target: WALLET }],
  ])('halts %o, the same when called again, until it is resumed; then withdrawals go on', async (asked, shown) => {
    const first = await call('halt', { ...asked, reason: 'looking into it' });
    expect(first.statusCode).toBe(200);
    const items = [{ ...shown, kind: 'OPERATOR', reason: 'looking into it', setBy: `account ${api.admin.id}`, createdAt: expect.any(String) }];
    expect(first.json()).toEqual({ items, nextCursor: null, underWay: false });
    expect((await call('halt', { ...asked, reason: 'again' })).json()).toEqual(first.json());
    expect(await standing()).toEqual({ items, nextCursor: null });
    // Accepted, and held.
    expect((await api.post(BODY)).statusCode).toBe(202);

    const resumed = await call('resume', { ...asked, reason: 'all is well' });
    expect([resumed.statusCode, resumed.json()]).toEqual([200, { items: [], nextCursor: null }]);
    const again = await call('resume', { ...asked, reason: 'all is well' });
    expect([again.statusCode, again.json()]).toMatchObject([409, { error: { code: 'INVALID_STATE', message: expect.stringContaining('No such halt') }, details: [{ field: 'target', reason: 'not-halted' }] }]);
    const lines = api.logText().split('\n').filter((line) => line.includes('looking into it') || line.includes('all is well'));
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(expect.arrayContaining(['halted', 'resumed']));
  });

  it.each([
    [{ scope: 'global', target: '80002', reason: 'x' }, 'target-not-taken'],
    [{ scope: 'chain', reason: 'x' }, 'target-required'],
    [{ scope: 'chain', target: 'polygon', reason: 'x' }, 'target-unknown'],
    [{ scope: 'chain', target: '137', reason: 'x' }, 'target-unknown'],
    [{ scope: 'token', target: 'DOGE', reason: 'x' }, 'target-unknown'],
    [{ scope: 'token', target: WALLET, reason: 'x' }, 'target-unknown'],
    [{ scope: 'wallet', target: TOKEN, reason: 'x' }, 'target-unknown'],
  ])('refuses %o: %s', async (body, reason) => {
    for (const path of ['halt', 'resume'] as const) {
      const response = await call(path, body);
      expect([response.statusCode, response.json()]).toMatchObject([400, { error: { code: 'VALIDATION_FAILED', message: expect.stringMatching(/target|here/) }, details: [{ field: 'target', reason }] }]);
    }
    expect((await standing()).items).toEqual([]);
  });

  it('lets only an ADMIN, asked before the body is judged', async () => {
    for (const path of ['halt', 'resume'] as const) {
      expect((await call(path, {}, null)).statusCode).toBe(401);
      expect((await call(path, {}, api.user)).statusCode).toBe(403);
      for (const body of [{}, { scope: 'global' }, { scope: 'world', reason: 'x' }, { scope: 'global', reason: '' }, { scope: 'global', reason: 'x', more: 1 }]) expect((await call(path, body)).statusCode).toBe(400);
    }
    expect((await api.get('/admin/halts', api.user)).statusCode).toBe(403);
    expect((await standing()).items).toEqual([]);
  });

  it('never lifts the halt of a recovery', async () => {
    await setHalt(api.database.db, { ...RECOVERY_HALT, reason: 'behind', setBy: 'engine' });
    const refused = await call('resume', { scope: 'global', reason: 'x' });
    expect([refused.statusCode, refused.json()]).toMatchObject([409, { error: { code: 'INVALID_STATE', message: expect.stringContaining('npm run recover') }, details: [{ reason: 'recovery-halt' }] }]);
    await call('halt', { scope: 'global', reason: 'mine' });
    expect((await standing()).items).toMatchObject([{ kind: 'RECOVERY' }, { kind: 'OPERATOR' }]);
    expect((await call('resume', { scope: 'global', reason: 'x' })).json()).toMatchObject({ items: [{ kind: 'RECOVERY', reason: 'behind' }] });
  });

  it('lifts a halt that was set by hand in another spelling', async () => {
    await setHalt(api.database.db, { scope: 'WALLET', target: WALLET.toLowerCase(), kind: 'OPERATOR', reason: 'by hand', setBy: 'sql' });
    expect((await call('resume', { scope: 'wallet', target: WALLET, reason: 'x' })).json()).toMatchObject({ items: [] });
  });

  it('stands at once and says so when somebody who looked before does not come through', async () => {
    await transact(api.database.db, async (stuck) => {
      await passHaltGate(stuck);
      const answer = await call('halt', { scope: 'global', reason: 'stuck signer' });
      expect([answer.statusCode, answer.json()]).toMatchObject([200, { items: [{ reason: 'stuck signer' }], underWay: true }]);
    });
  });
});
