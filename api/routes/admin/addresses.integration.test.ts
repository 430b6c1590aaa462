import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readListing } from '../../../db/repositories/policy/listed-addresses.ts';
import { parseAddress } from '../../../domain/address.ts';
import { startTestApi, type TestAccount, type TestApi } from '../../api.testkit.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

type Method = 'GET' | 'POST' | 'DELETE';
const call = (method: Method, path: string, payload?: object, by: TestAccount | null = api.admin) =>
  api.app.inject({ method, url: `/admin/addresses${path}`, headers: { ...(by && { authorization: by.bearer }), 'accept-language': 'en' }, ...(payload && { payload }) });

const newAddress = () => parseAddress(`0x${randomBytes(20).toString('hex')}`);
const entry = (change: object = {}) => ({ list: 'allow', network: 'polygon-amoy', address: newAddress(), reason: 'a test', ...change });
interface View {
  id: number;
  status: string;
}
const propose = async (change: object = {}) => (await call('POST', '', entry(change))).json<View>();
const approve = (id: number, by = api.approver, query = '') => call('POST', `/${id}/approve${query}`, undefined, by);
const destinationOf = async (address: string, ownerId = api.user.id) => (await readListing(api.database.db, { network: 'polygon-amoy', toAddress: address, ownerId })).destination;

describe('an address', () => {
  it.each([['allow', 'allowlisted'], ['deny', 'denylisted']] as const)('comes onto the %slist and leaves it by two admins', async (list, destination) => {
    const address = newAddress();
    const body = entry({ list, address: address.toLowerCase(), ownerEmail: api.user.email.toUpperCase(), label: 'Cold wallet' });
    const proposed = await call('POST', '', body);
    expect(proposed.statusCode).toBe(202);
    const view = proposed.json<View>();
    expect(view).toEqual({
      id: expect.any(Number), list, network: 'polygon-amoy', address, ownerEmail: api.user.email, label: 'Cold wallet', status: 'PROPOSED', inForce: false, proposal: 'addition', reason: 'a test',
      proposedBy: api.admin.email, proposedAt: expect.stringMatching(/Z$/), liveAt: null, decidedBy: null, decidedAt: null, decisionReason: null, removal: null,
    });
    expect((await call('POST', '', body)).json()).toEqual(view);
    expect(await destinationOf(address)).toBe('unlisted');

    const own = await approve(view.id, api.admin);
    expect([own.statusCode, own.json()]).toMatchObject([409, { error: { code: 'INVALID_STATE', message: expect.stringContaining('Another admin') }, details: [{ reason: 'own-proposal' }] }]);
    const live = await approve(view.id);
    expect([live.statusCode, live.json()]).toMatchObject([200, { status: 'LIVE', inForce: true, proposal: null, decidedBy: api.approver.email, liveAt: expect.any(String) }]);
    expect((await approve(view.id)).json()).toEqual(live.json());
    expect(await destinationOf(address)).toBe(destination);
    expect(await destinationOf(address, api.stranger.id)).toBe('unlisted');

    const removal = await call('DELETE', `/${view.id}?reason=No%20longer%20used`);
    expect([removal.statusCode, removal.json()]).toMatchObject([202, { status: 'REMOVAL_PROPOSED', inForce: true, proposal: 'removal', removal: { reason: 'No longer used', proposedBy: api.admin.email, decidedBy: null } }]);
    expect((await call('DELETE', `/${view.id}`)).json()).toEqual(removal.json());
    // The first answer was lost, and the call means what it meant then.
    expect((await approve(view.id, api.approver, '?proposal=addition')).json()).toMatchObject({ status: 'REMOVAL_PROPOSED' });
    expect((await approve(view.id, api.admin)).statusCode).toBe(409);
    expect(await destinationOf(address)).toBe(destination);
    const removed = await approve(view.id, api.approver, '?proposal=removal');
    expect([removed.statusCode, removed.json()]).toMatchObject([200, { status: 'REMOVED', inForce: false, proposal: null, removal: { decidedBy: api.approver.email } }]);
    expect(await destinationOf(address)).toBe('unlisted');

    const lines = api.logText().split('\n').filter((line) => line.includes(`"listing":${view.id},`) && /"message":"(address|removal)/.test(line)).map((line) => JSON.parse(line) as { accountId: number; message: string });
    expect(lines.map(({ accountId }) => accountId)).toEqual(expect.arrayContaining([api.admin.id, api.approver.id]));
  });

  it('stays off the list, or on it, where a proposal is rejected', async () => {
    const { id } = await propose();
    const rejected = await call('POST', `/${id}/reject`, { reason: 'not ours' }, api.approver);
    expect([rejected.statusCode, rejected.json()]).toMatchObject([200, { status: 'REJECTED', decisionReason: 'not ours' }]);
    const other = await propose();
    await approve(other.id);
    await call('DELETE', `/${other.id}`);
    expect((await call('POST', `/${other.id}/reject`, { reason: 'still used' }, api.approver)).json()).toMatchObject({ status: 'LIVE', inForce: true, decisionReason: 'still used' });
  });

  it('is refused where it stands already, or another admin proposed it', async () => {
    const address = newAddress();
    await propose({ address });
    const theirs = await call('POST', '', entry({ address }), api.approver);
    expect([theirs.statusCode, theirs.json()]).toMatchObject([409, { details: [{ reason: 'already-listed' }] }]);
  });

  it.each<[object, string, string]>([
    [{ list: 'grey' }, 'VALIDATION_FAILED', 'list'],
    [{ network: 'polygon' }, 'UNSUPPORTED_NETWORK', 'network'],
    [{ address: '0x1' }, 'INVALID_ADDRESS', 'address'],
    [{ address: newAddress().toUpperCase() }, 'INVALID_ADDRESS', 'address'],
    [{ ownerEmail: 'nobody@example.com' }, 'VALIDATION_FAILED', 'ownerEmail'],
    [{ reason: '' }, 'VALIDATION_FAILED', 'reason'],
    [{ label: 'x'.repeat(129) }, 'VALIDATION_FAILED', 'label'],
    [{ ownerId: 1 }, 'VALIDATION_FAILED', 'ownerId'],
  ])('with %o is refused with %s', async (change, code, field) => {
    const response = await call('POST', '', entry(change));
    expect([response.statusCode, response.json()]).toMatchObject([400, { error: { code }, details: [{ field }] }]);
  });

  it('that does not exist is not found', async () => {
    expect((await approve(999_999)).statusCode).toBe(404);
    expect((await call('POST', '/999999/reject', { reason: 'x' })).statusCode).toBe(404);
    expect((await call('DELETE', '/999999')).statusCode).toBe(404);
    expect((await call('DELETE', '/0')).statusCode).toBe(400);
  });
});

describe('the lists', () => {
  it('are shown by pages, newest first, by list, status and address', async () => {
    const address = newAddress();
    const ids: number[] = [];
    for (const change of [{}, { ownerEmail: api.user.email }, { list: 'deny' }]) ids.push((await propose({ address, ...change })).id);
    await approve(ids[2] as number);
    const items = async (query: string) => (await call('GET', query)).json<{ items: View[]; nextCursor: string | null }>();
    const first = await items(`?address=${address.toLowerCase()}&limit=2`);
    expect(first.items.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    const second = await items(`?address=${address}&limit=2&cursor=${first.nextCursor}`);
    expect([second.items.map(({ id }) => id), second.nextCursor]).toEqual([[ids[0]], null]);
    expect((await items(`?address=${address}&list=deny&status=LIVE`)).items.map(({ id }) => id)).toEqual([ids[2]]);
    expect((await items(`?address=${address}&list=allow&status=LIVE`)).items).toEqual([]);
    for (const query of ['?list=grey', '?status=NEW', '?address=0x1', '?cursor=xyz', '?limit=101']) expect((await call('GET', query)).statusCode).toBe(400);
  });
});

describe('who may', () => {
  it.each<[Method, string]>([['GET', ''], ['POST', ''], ['DELETE', '/1'], ['POST', '/1/approve'], ['POST', '/1/reject']])('%s %s: an ADMIN, asked before anything is judged', async (method, path) => {
    expect((await call(method, path, method === 'POST' ? {} : undefined, null)).statusCode).toBe(401);
    expect((await call(method, path, method === 'POST' ? {} : undefined, api.user)).statusCode).toBe(403);
  });
});
