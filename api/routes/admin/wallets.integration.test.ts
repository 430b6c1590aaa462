import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { raiseAlert } from '../../../db/repositories/operations/alerts.ts';
import { assetKeyOf, recordObservations } from '../../../db/repositories/wallets/wallet-observations.ts';
import { addWallet, setNextNonce, setWalletStatus } from '../../../db/repositories/wallets/wallets.ts';
import { fundReservations, nonceReservations, wallets } from '../../../db/schema/index.ts';
import { transact } from '../../../db/transact.ts';
import { parseAddress } from '../../../domain/address.ts';
import { startTestApi, TOKEN, WALLET, type TestApi } from '../../api.testkit.ts';
import type { HotWalletView } from '../../schemas/wallet.ts';

const SECOND = parseAddress('0x00000000000000000000000000000000000000aa');
const CHAIN_ID = 80_002;

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const list = async (query = '') => (await api.get(`/admin/wallets${query}`, api.admin)).json<{ items: HotWalletView[]; nextCursor: string | null }>();
const move = (address: string, how: string, body: unknown = { reason: 'test' }, by = api.admin) => api.app.inject({ method: 'POST', url: `/admin/wallets/${address}/${how}`, headers: { authorization: by.bearer, 'accept-language': 'en' }, payload: body as object });

describe('GET /admin/wallets', () => {
  it('shows a wallet nobody has looked at yet', async () => {
    expect(await list()).toEqual({
      items: [
        {
          address: WALLET, network: 'polygon-amoy', chainId: CHAIN_ID, status: 'ACTIVE', statusReason: null, drained: false, balances: [],
          nonces: { latest: null, pending: null, next: null, gaps: [] }, window: { used: 0, size: 64 }, reservations: 0, openAlerts: [], seenAt: null,
        },
      ],
      nextCursor: null,
    });
  });

  it('shows what a worker saw, with its age, against what is promised now', async () => {
    const { db } = api.database;
    const seenAt = new Date('2026-11-24T04:20:00.000Z');
    const seen = { chainId: CHAIN_ID, walletAddress: WALLET, blockNumber: 100, seenAt };
    const unlisted = parseAddress('0x00000000000000000000000000000000000000bb');
    await transact(db, (tx) =>
      recordObservations(tx, [
        { ...seen, asset: unlisted, balance: 1n, spendPerHour: 0n },
        { ...seen, asset: TOKEN, balance: 10_000_000n, spendPerHour: 2_000_000n },
        { ...seen, asset: assetKeyOf(null), balance: 5n * 10n ** 18n, spendPerHour: 0n, latestNonce: 40, pendingNonce: 41 },
      ]),
    );
    const held = { chainId: CHAIN_ID, walletAddress: WALLET, gasLimit: 1n, createdAt: seenAt };
    await db.insert(fundReservations).values([
      { ...held, requestId: 'held', tokenAddress: TOKEN, amount: 12_000_000n, gasWei: 10n ** 17n, state: 'HELD' },
      // In the balance of block 100 already, and not yet.
      { ...held, requestId: 'before', tokenAddress: TOKEN, amount: 1n, gasWei: 1n, state: 'CONSUMED', spentAmount: 900n, spentGasWei: 900n, settledBlock: 100 },
      { ...held, requestId: 'after', tokenAddress: TOKEN, amount: 1_000_000n, gasWei: 1n, state: 'CONSUMED', spentAmount: 1_000_000n, spentGasWei: 5n, settledBlock: 101 },
    ]);
    const nonce = { chainId: CHAIN_ID, walletAddress: WALLET, generation: 1, updatedAt: seenAt };
    await db.insert(nonceReservations).values([
      { ...nonce, nonce: 40, state: 'CONSUMED' },
      { ...nonce, nonce: 41, state: 'FREED' },
      { ...nonce, nonce: 42, state: 'RESERVED', requestId: 'held', liveRequestId: 'held' },
    ]);
    await transact(db, (tx) => setNextNonce(tx, CHAIN_ID, WALLET, 44));
    await raiseAlert(db, { kind: 'TOKEN_RUNNING_OUT', chainId: CHAIN_ID, subject: `${WALLET} USDC`, detail: { hoursLeft: 0 } });
    await raiseAlert(db, { kind: 'GAS_LOW', chainId: CHAIN_ID, subject: SECOND });

    const { items } = await list();
    expect(items).toMatchObject([
      {
        balances: [
          { currency: 'POL', tokenAddress: null, balance: '5', reserved: '0.100000000000000005', available: '4.899999999999999995', spendPerHour: '0', hoursLeft: null, block: 100, seenAt: '2026-11-24T04:20:00.000Z' },
          { currency: 'USDC', tokenAddress: TOKEN, balance: '10', reserved: '13', available: '-3', spendPerHour: '2', hoursLeft: 0 },
        ],
        nonces: { latest: 40, pending: 41, next: 44, gaps: [41, 43] },
        window: { used: 1, size: 64 },
        reservations: 1,
        openAlerts: [{ kind: 'TOKEN_RUNNING_OUT', subject: `${WALLET} USDC`, detail: { hoursLeft: 0 } }],
        seenAt: '2026-11-24T04:20:00.000Z',
      },
    ]);
    expect(items[0]?.balances).toHaveLength(2);
  });

  it('gives every wallet of the chain once, in pages', async () => {
    const { db } = api.database;
    await addWallet(db, { chainId: CHAIN_ID, address: SECOND, keyId: 'test' });
    await addWallet(db, { chainId: 137, address: parseAddress('0x00000000000000000000000000000000000000cc'), keyId: 'test' });
    const first = await list('?limit=1');
    expect(first.items.map(({ address }) => address)).toEqual([SECOND]);
    const second = await list(`?limit=1&cursor=${first.nextCursor}`);
    expect(second).toMatchObject({ items: [{ address: WALLET }], nextCursor: null });
    for (const query of ['cursor=abc', 'limit=0', 'page=2']) expect((await api.get(`/admin/wallets?${query}`, api.admin)).statusCode).toBe(400);
  });
});

describe('POST /admin/wallets/:address/…', () => {
  it('moves a wallet, says who and why, and answers the same when said twice', async () => {
    for (const [how, status] of [['drain', 'DRAINING'], ['drain', 'DRAINING'], ['pause', 'PAUSED'], ['pause', 'PAUSED'], ['resume', 'ACTIVE']] as const) {
      const response = await move(WALLET.toLowerCase(), how);
      expect(response.statusCode).toBe(200);
      expect(response.json()).toMatchObject({ address: WALLET, status, statusReason: `${how} by account ${api.admin.id}: test` });
    }
    expect(api.logText()).toMatch(new RegExp(`"accountId":${api.admin.id},"move":"drain","wallet":"${WALLET}","from":"ACTIVE","to":"DRAINING","reason":"test"`));
  });

  it('says drained once nothing is reserved and no nonce is open, and only of a draining wallet', async () => {
    const { db } = api.database;
    expect((await move(WALLET, 'drain')).json()).toMatchObject({ drained: false });
    await db.update(fundReservations).set({ state: 'RELEASED' });
    expect((await list()).items.map(({ drained }) => drained)).toEqual([false, false]);
    await db.update(nonceReservations).set({ state: 'CONSUMED', liveRequestId: null });
    expect((await list()).items.map(({ address, drained }) => [address, drained])).toEqual([[SECOND, false], [WALLET, true]]);
    expect((await move(WALLET, 'resume')).json()).toMatchObject({ status: 'ACTIVE', drained: false });
  });

  it('refuses what would weaken a stop, and closes what only a person closes at a resume', async () => {
    const { db } = api.database;
    await setWalletStatus(db, CHAIN_ID, WALLET, 'HALTED', 'engine: FOREIGN_OUTFLOW');
    await raiseAlert(db, { kind: 'FOREIGN_OUTFLOW', chainId: CHAIN_ID, subject: WALLET });
    for (const how of ['pause', 'drain']) {
      const refused = await move(WALLET, how);
      expect(refused.statusCode).toBe(409);
      expect(refused.json()).toMatchObject({ error: { code: 'INVALID_STATE', message: expect.stringContaining('HALTED') } });
    }
    expect((await db.select().from(wallets)).find(({ address }) => address === WALLET)).toMatchObject({ status: 'HALTED', statusReason: 'engine: FOREIGN_OUTFLOW' });
    const resumed = (await move(WALLET, 'resume', { reason: 'our own sweep' })).json<HotWalletView>();
    expect(resumed.status).toBe('ACTIVE');
    expect(resumed.openAlerts.map(({ kind }) => kind)).toEqual(['TOKEN_RUNNING_OUT']);
    await setWalletStatus(db, CHAIN_ID, WALLET, 'PAUSED', 'engine: GAS_LOW');
    expect((await move(WALLET, 'drain')).statusCode).toBe(409);
    await move(WALLET, 'resume');
  });

  it('is for ADMINs, wants a reason and a wallet of ours', async () => {
    expect((await api.app.inject({ method: 'POST', url: `/admin/wallets/${WALLET}/pause`, payload: {} })).statusCode).toBe(401);
    expect((await move(WALLET, 'pause', {}, api.user)).statusCode).toBe(403);
    expect((await api.get('/admin/wallets', api.user)).statusCode).toBe(403);
    for (const body of [{}, { reason: '' }, { reason: '   ' }, { reason: 'x'.repeat(201) }, { reason: 'x', force: true }]) expect((await move(WALLET, 'pause', body)).statusCode).toBe(400);
    expect((await move('0x12', 'pause')).statusCode).toBe(400);
    expect((await move(TOKEN, 'pause')).json()).toMatchObject({ error: { code: 'NOT_FOUND' } });
    expect((await move('0x00000000000000000000000000000000000000cc', 'pause')).statusCode).toBe(404);
    expect((await list()).items.map(({ status }) => status)).toEqual(['ACTIVE', 'ACTIVE']);
  });
});
