import { and, eq } from 'drizzle-orm';
import { Wallet } from 'ethers';
import { afterEach, describe, expect, it } from 'vitest';
import { erc20, sendAs } from '../../activities/reconcile/reconcile.testkit.ts';
import type { MovementView } from '../../api/schemas/movement.ts';
import type { HotWalletView } from '../../api/schemas/wallet.ts';
import type { WithdrawalDetailView } from '../../api/schemas/withdrawal.ts';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { setWalletStatus } from '../../db/repositories/wallets/wallets.ts';
import { fundReservations } from '../../db/schema/index.ts';
import { formatAmount } from '../../domain/money.ts';
import { ensureReconcileSchedule } from '../../temporal-config/reconcile-schedule.ts';
import { ensureTreasurySchedule } from '../../temporal-config/treasury-schedule.ts';
import { startEngine, type EngineOptions, type TestEngine } from '../harness/engine.ts';
import { startEngineApi, type EngineApi } from '../harness/engine-api.ts';
import { withoutLimits } from '../harness/policies.ts';
import { callAsOwner } from '../harness/tokens.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 2_000_000n;
const WAIT = { timeout: 60_000, interval: 200 };

let engine: TestEngine;
let operator: EngineApi;
afterEach(async () => {
  await operator.close();
  await engine.stop();
});

async function start(options: EngineOptions = {}): Promise<void> {
  const { settings: change = (settings) => settings, ...rest } = options;
  engine = await startEngine({
    settings: (settings) => change({ ...withoutLimits(settings), chain: { ...settings.chain, guardian: { ...settings.chain.guardian, everyMs: 500 } } }),
    ...rest,
  });
  operator = await startEngineApi(engine);
  await ensureTreasurySchedule(engine.client, 1_000);
}

interface Payment {
  requestId: string;
  recipient: string;
  amount: bigint;
}
async function accept(amount = AMOUNT, currency = 'USDC'): Promise<Payment> {
  const recipient = Wallet.createRandom().address;
  return { requestId: await engine.accept({ currency, toAddress: recipient, amount }), recipient, amount };
}
const acceptMany = (count: number) => Promise.all(Array.from({ length: count }, () => accept()));
async function expectPaidOnce({ requestId, recipient, amount }: Payment): Promise<void> {
  const { tokenAddress } = await engine.until(requestId, ['COMPLETED'], 90_000);
  expect(await paidTo(engine.chain, tokenAddress, recipient)).toEqual({ total: amount, payments: 1 });
}
const withdrawal = async (requestId: string) => (await operator.get(`/withdrawals/${requestId}`)).json<WithdrawalDetailView>();
const wallets = async () => (await operator.get('/admin/wallets')).json<{ items: HotWalletView[] }>().items;
const walletOf = async (address: string) => (await wallets()).find((wallet) => wallet.address === address);
const movements = async () => (await operator.get('/admin/treasury/movements')).json<{ items: MovementView[] }>().items;
const declare = async (movement: object) => (await operator.post('/admin/treasury/movements', movement)).json<MovementView>();
const reservedIn = async (wallet: string) => (await engine.database.db.select().from(fundReservations).where(and(eq(fundReservations.chainId, engine.chain.chainId), eq(fundReservations.walletAddress, wallet as `0x${string}`)))).map(({ requestId }) => requestId).toSorted();
const alerts = async () => (await listOpenAlerts(engine.database.db)).map(({ kind, subject }) => `${kind} ${subject}`);

async function balanceOf(wallet: string): Promise<bigint> {
  return BigInt(await engine.chain.rpc.call<string>('eth_call', [{ to: engine.chain.tokens.TestUSDC, data: `0x70a08231${wallet.slice(2).toLowerCase().padStart(64, '0')}` }, 'latest']));
}
const sweep = (wallet: string, vault: string, amount: bigint) => sendAs(engine.chain.rpc, { from: wallet, to: engine.chain.tokens.TestUSDC, data: erc20.encodeFunctionData('transfer', [vault, amount]) });

describe('a withdrawal that no wallet can pay', () => {
  it('waits, is shown as waiting, calls a person, and is paid once a wallet is funded', async () => {
    await start({ settings: (settings) => ({ ...settings, fundsWaitMs: 600_000 }) });
    const [wallet = ''] = engine.wallets;
    const payment = await accept((await balanceOf(wallet)) + AMOUNT);
    await engine.until(payment.requestId, ['AWAITING_FUNDS']);
    const shown = await withdrawal(payment.requestId);
    expect(shown).toMatchObject({ status: 'AWAITING_FUNDS', outcome: 'NOT_SENT', waitingFor: { what: 'token' } });
    expect(Date.parse(shown.waitingFor?.until ?? '') - Date.parse(shown.waitingFor?.since ?? '')).toBe(600_000);
    await expect.poll(async () => (await engine.searchAttributesOf(payment.requestId))['WithdrawalStatus'], WAIT).toBe('AWAITING_FUNDS');
    await expect.poll(alerts, WAIT).toEqual([`TOKEN_RUNNING_OUT ${wallet} USDC`]);
    expect((await walletOf(wallet))?.openAlerts).toMatchObject([{ kind: 'TOKEN_RUNNING_OUT', detail: { currency: 'USDC', smallestWaiting: formatAmount(payment.amount, 6) } }]);
    // Others go on meanwhile.
    await expectPaidOnce(await accept());

    await callAsOwner(engine.chain, 'TestUSDC', 'mint', wallet, payment.amount);
    await expectPaidOnce(payment);
    expect(await withdrawal(payment.requestId)).not.toHaveProperty('waitingFor');
    await expect.poll(async () => (await walletOf(wallet))?.balances.find(({ currency }) => currency === 'USDC')?.available, WAIT).toBe(formatAmount(await balanceOf(wallet), 6));
  });

  it('ends as FAILED with INSUFFICIENT_BALANCE after the set time, and the API says so', async () => {
    await start({ settings: (settings) => ({ ...settings, fundsWaitMs: 2_000 }) });
    const { requestId } = await accept((await balanceOf(engine.wallets[0] ?? '')) + 1n);
    await engine.until(requestId, ['FAILED']);
    expect(await withdrawal(requestId)).toMatchObject({ status: 'FAILED', outcome: 'NOT_PAID', errorCode: 'INSUFFICIENT_BALANCE', retryable: true, timeline: [{ status: 'AWAITING_FUNDS', detail: { missing: 'token' } }, { status: 'FAILED' }] });
  });
});

describe('a wallet that is drained in the middle of a load', () => {
  it('pays what it is bound to and takes nothing more; the rest is swept by a declared movement', async () => {
    await start({ wallets: 2, guardians: true });
    await ensureReconcileSchedule(engine.client, 1_000);
    const [old = '', fresh = ''] = engine.wallets;
    const before = await acceptMany(12);
    await expect.poll(async () => (await reservedIn(old)).length, WAIT).toBeGreaterThan(0);
    const load = acceptMany(8);
    expect((await operator.post(`/admin/wallets/${old}/drain`, { reason: 'rotation' })).json()).toMatchObject({ address: old, status: 'DRAINING' });
    const bound = await reservedIn(old);
    expect((await walletOf(old))?.drained).toBe(false);
    const after = await acceptMany(12);
    for (const payment of [...before, ...(await load), ...after]) await expectPaidOnce(payment);
    expect(await reservedIn(old)).toEqual(bound);
    expect((await reservedIn(fresh)).length).toBe(32 - bound.length);
    await expect.poll(async () => (await walletOf(old))?.drained, WAIT).toBe(true);
    expect(await walletOf(fresh)).toMatchObject({ status: 'ACTIVE', drained: false });

    const rest = await balanceOf(old);
    const vault = Wallet.createRandom().address;
    const { id, state } = await declare({ direction: 'out', wallet: old, currency: 'USDC', amount: formatAmount(rest, 6), counterparty: vault, reason: 'rotation' });
    expect(state).toBe('open');
    const txHash = await sweep(old, vault, rest);
    await expect.poll(movements, WAIT).toMatchObject([{ id, state: 'matched', txHash }]);
    await expect.poll(async () => (await walletOf(old))?.balances.find(({ currency }) => currency === 'USDC')?.balance, WAIT).toBe('0');
    // A drained wallet is still ours, and nobody is called to fill it up.
    expect(await walletOf(old)).toMatchObject({ status: 'DRAINING', drained: true, openAlerts: [] });
    const own = await engine.accept({ currency: 'USDC', toAddress: old, amount: AMOUNT });
    expect(await engine.until(own, ['FAILED'])).toMatchObject({ errorCode: 'INVALID_ADDRESS' });

    expect((await operator.post(`/admin/wallets/${old}/resume`, { reason: 'not yet' })).json()).toMatchObject({ status: 'ACTIVE', drained: false });
    await callAsOwner(engine.chain, 'TestUSDC', 'mint', old, rest);
    await setWalletStatus(engine.database.db, engine.chain.chainId, fresh, 'PAUSED', 'test');
    const back = await accept();
    await expectPaidOnce(back);
    expect(await reservedIn(old)).toContain(back.requestId);
  });
});

describe('a sweep signed with the hot key elsewhere', () => {
  it('declared over HTTP is recognised once while payments go on beside it; its twin halts the wallet', async () => {
    await start({ guardians: true });
    await ensureReconcileSchedule(engine.client, 1_000);
    const [wallet = ''] = engine.wallets;
    await expectPaidOnce(await accept());
    const vault = Wallet.createRandom().address;
    const { id } = await declare({ direction: 'out', wallet, currency: 'USDC', amount: '12.5', counterparty: vault, reason: 'to the vault' });
    const before = await acceptMany(6);
    const txHash = await sweep(wallet, vault, 12_500_000n);
    const after = await acceptMany(6);
    for (const payment of [...before, ...after]) await expectPaidOnce(payment);
    await expect.poll(movements, WAIT).toMatchObject([{ id, state: 'matched', txHash }]);
    await expectPaidOnce(await accept());
    expect(await walletOf(wallet)).toMatchObject({ status: 'ACTIVE', openAlerts: [] });

    const twin = await sweep(wallet, vault, 12_500_000n);
    await expect.poll(async () => (await walletOf(wallet))?.status, WAIT).toBe('HALTED');
    await expect.poll(alerts, WAIT).toContain(`STRANGER_TRANSFER ${twin}`);
    expect(await movements()).toMatchObject([{ txHash }]);
  });
});
