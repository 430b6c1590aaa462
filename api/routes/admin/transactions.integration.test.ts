import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nonceReservations } from '../../../db/schema/index.ts';
import { parseAddress } from '../../../domain/address.ts';
import { RECIPIENT, startTestApi, WALLET, type TestApi } from '../../api.testkit.ts';
import { acceptOne, addAttempt, addEvent, setWithdrawal, TX_HASH } from '../../withdrawals.testkit.ts';

const OTHER = parseAddress(`0x${'0b'.repeat(20)}`);
const PAID_BY_HAND = `0x${'cd'.repeat(32)}` as const;
const DAY_MS = 86_400_000;
const YESTERDAY = new Date(Date.now() - DAY_MS);

interface Found {
  requestId: string;
  [field: string]: unknown;
}

let api: TestApi;
let paid = '';
let failed = '';
let other = '';
let byHand = '';
beforeAll(async () => {
  api = await startTestApi();
  paid = await acceptOne(api);
  failed = await acceptOne(api, { currency: 'POL' });
  other = await acceptOne(api, { toAddress: OTHER });
  byHand = await acceptOne(api, { toAddress: OTHER });
  await setWithdrawal(api, paid, { status: 'COMPLETED', walletAddress: WALLET, txHash: TX_HASH, paidTxHash: TX_HASH, paidLogIndex: 0, completedAt: new Date() });
  await addAttempt(api, paid);
  await addEvent(api, paid, 'settled', 'COMPLETED');
  await setWithdrawal(api, failed, { status: 'FAILED', errorCode: 'INSUFFICIENT_BALANCE', errorMessage: 'no wallet had enough token in time', createdAt: YESTERDAY });
  await setWithdrawal(api, byHand, { status: 'COMPLETED', paidTxHash: PAID_BY_HAND, paidLogIndex: 3, ownerId: 4711 });
  const { chainId } = api.settings.chain;
  const reservation = { chainId, walletAddress: WALLET, generation: 1, updatedAt: new Date() };
  await api.database.db.insert(nonceReservations).values([
    { ...reservation, nonce: 7, requestId: paid, state: 'CONSUMED', consumedBy: TX_HASH },
    { ...reservation, nonce: 8, requestId: other, liveRequestId: other, state: 'RESERVED' },
    // Given back: it is nobody's.
    { ...reservation, nonce: 9, requestId: failed, state: 'FREED' },
  ]);
});
afterAll(() => api.close());

const search = async (query: string) => (await api.get(`/admin/transactions?${query}`, api.admin)).json<{ items: Found[]; nextCursor: string | null }>();
const idsOf = async (query: string) => (await search(query)).items.map(({ requestId }) => requestId).toSorted();
const hour = (time: Date) => encodeURIComponent(time.toISOString());

describe('GET /admin/transactions', () => {
  it.each<[string, () => string, () => string[]]>([
    ['nothing', () => '', () => [paid, failed, other, byHand]],
    ['requestId', () => `requestId=${failed}`, () => [failed]],
    ['the hash of an attempt, in any case', () => `txHash=0x${TX_HASH.slice(2).toUpperCase()}`, () => [paid]],
    ['the hash that paid by hand', () => `txHash=${PAID_BY_HAND}`, () => [byHand]],
    ['an unknown hash', () => `txHash=0x${'ee'.repeat(32)}`, () => []],
    ['address', () => `address=${OTHER.toLowerCase()}`, () => [other, byHand]],
    ['status', () => 'status=COMPLETED', () => [paid, byHand]],
    ['signer', () => `signer=${WALLET}`, () => [paid]],
    ['nonce', () => 'nonce=8', () => [other]],
    ['a nonce that was given back', () => 'nonce=9', () => []],
    ['nonce of a signer', () => `nonce=7&signer=${WALLET}`, () => [paid]],
    ['nonce of another signer', () => `nonce=7&signer=${OTHER}`, () => []],
    ['currency', () => 'currency=POL', () => [failed]],
    ['owner', () => 'ownerId=4711', () => [byHand]],
    ['from', () => `from=${hour(new Date(Date.now() - DAY_MS / 2))}`, () => [paid, other, byHand]],
    ['to', () => `to=${hour(new Date(Date.now() - DAY_MS / 2))}`, () => [failed]],
    ['a moment, exclusive at its end', () => `from=${hour(YESTERDAY)}&to=${hour(YESTERDAY)}`, () => []],
    ['all at once', () => `requestId=${paid}&txHash=${TX_HASH}&address=${RECIPIENT}&status=COMPLETED&signer=${WALLET}&nonce=7&currency=USDC&ownerId=${api.user.id}&from=${hour(YESTERDAY)}`, () => [paid]],
    ['what contradicts itself', () => `txHash=${TX_HASH}&nonce=8`, () => []],
  ])('finds by %s', async (_name, query, expected) => {
    expect(await idsOf(query())).toEqual(expected().toSorted());
  });

  it("shows the withdrawal as its owner sees it, and the operator's part", async () => {
    const [item] = (await search(`requestId=${paid}`)).items;
    const owners = (await api.get(`/withdrawals/${paid}`)).json<Found>();
    const { attempts: _attempts, timeline: _timeline, ...withdrawal } = owners;
    expect(item).toEqual({ ...withdrawal, ownerId: api.user.id, signer: WALLET, nonce: 7, attemptCount: 1, errorDetail: null });
    expect((await search(`requestId=${failed}`)).items).toMatchObject([{ errorCode: 'INSUFFICIENT_BALANCE', errorDetail: 'no wallet had enough token in time', signer: null, nonce: null, attemptCount: 0 }]);
    // Its owner is not shown the technical text.
    expect(JSON.stringify((await api.get(`/withdrawals/${failed}`)).json())).not.toContain('no wallet had enough');
  });

  it('goes page by page, newest first, each once', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { items: Found[]; nextCursor: string | null } = await search(`limit=1&from=${hour(new Date(0))}${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(page.items).toHaveLength(1);
      seen.push(...page.items.map(({ requestId }) => requestId));
      cursor = page.nextCursor;
    }
    expect(seen.at(-1)).toBe(failed);
    expect(seen.toSorted()).toEqual([paid, failed, other, byHand].toSorted());
  });

  it.each([
    ['txHash=0x12', 'txHash'], ['address=0x12', 'address'], [`signer=0x${'aB'.repeat(20)}`, 'signer'], ['status=DONE', 'status'], ['nonce=-1', 'nonce'], ['nonce=x', 'nonce'],
    ['from=yesterday', 'from'], ['to=2026-11-24', 'to'], ['from=2026-11-24T00:00:00', 'from'], ['from=2026-13-24T00:00:00Z', 'from'], ['limit=101', 'limit'], ['cursor=xyz', 'cursor'], ['ownerId=0', 'ownerId'], ['page=2', 'page'],
  ])('refuses ?%s', async (query, field) => {
    const response = await api.get(`/admin/transactions?${query}`, api.admin);
    expect([response.statusCode, response.json()]).toMatchObject([400, { details: [{ field }] }]);
  });

  it('is for an ADMIN only, asked before the query is judged', async () => {
    for (const url of ['/admin/transactions?limit=0', `/admin/transactions/${paid}`]) {
      expect((await api.get(url, api.user)).statusCode).toBe(403);
      expect((await api.app.inject({ url })).statusCode).toBe(401);
    }
  });
});

describe('GET /admin/transactions/:id', () => {
  it('shows attempts, timeline and what operators see', async () => {
    const detail = (await api.get(`/admin/transactions/${paid}`, api.admin)).json<Found>();
    const owners = (await api.get(`/withdrawals/${paid}`)).json<Found>();
    expect(detail).toEqual({ ...owners, ownerId: api.user.id, signer: WALLET, nonce: 7, attemptCount: 1, errorDetail: null });
    expect(detail).toMatchObject({ attempts: [{ hash: TX_HASH, nonce: 7 }], timeline: [{ type: 'accepted' }, { type: 'settled' }] });
  });

  it('is 404 for none', async () => {
    expect((await api.get('/admin/transactions/tx-1795494000000-0123456789abcdef0123', api.admin)).json()).toMatchObject({ error: { code: 'NOT_FOUND' } });
  });
});
