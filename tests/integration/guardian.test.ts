import { Wallet } from 'ethers';
import { afterEach, describe, expect, it } from 'vitest';
import { makeCloseUnpaid } from '../../activities/close-unpaid.ts';
import { makeReserveFunds } from '../../activities/reserve-funds.ts';
import { takeNonce } from '../../activities/take-nonce.ts';
import type { Address } from '../../domain/address.ts';
import { fillerIdOf, guardianIdOf } from '../../domain/guardian.ts';
import { setWalletStatus } from '../../db/repositories/wallets/wallets.ts';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import { startEngine, type EngineOptions, type TestEngine } from '../harness/engine.ts';
import { sendFromHotWallet } from '../harness/foreign-transaction.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 1_750_000n;
const EVERY_MS = 250;
const WAIT = { timeout: 40_000, interval: 100 };
const PLENTY = `0x${(1_000n * 10n ** 18n).toString(16)}`;

let engine: TestEngine;
afterEach(() => engine.stop());

type ChainSettings = TestEngine['settings']['chain'];
const settingsWith = (chain: Partial<ChainSettings>, guardian: Partial<ChainSettings['guardian']> = {}) => (settings: TestEngine['settings']): TestEngine['settings'] => ({
  ...settings,
  chain: { ...settings.chain, ...chain, guardian: { ...settings.chain.guardian, everyMs: EVERY_MS, ...guardian } },
});
async function start(options: EngineOptions = {}): Promise<void> {
  engine = await startEngine({ guardians: true, settings: settingsWith({}), ...options });
}

const wallet = (): Address => engine.wallets[0] as Address;
const chainId = (): number => engine.chain.chainId;
const guardian = () => engine.client.workflow.getHandle(guardianIdOf(chainId(), wallet()));
const walletRow = () => engine.database.db.query.wallets.findFirst();
const nonces = () => engine.database.db.query.nonceReservations.findMany({ orderBy: (table, { asc }) => asc(table.nonce) });
const attemptsOf = (requestId: string) => engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.ordinal) });
const alertsOf = (kind: 'NONCE_GAP' | 'GAS_LOW' | 'HEAD_OF_LINE' | 'FOREIGN_TRANSACTION' | 'FOREIGN_OUTFLOW') => engine.database.db.query.alerts.findMany({ where: (table, { eq }) => eq(table.kind, kind) });
const count = async (block: 'latest' | 'pending') => Number(await engine.chain.rpc.call<string>('eth_getTransactionCount', [wallet(), block]));
const sweep = () => engine.client.workflow.execute('sweep', { taskQueue: TASK_QUEUES.withdrawals, workflowId: 'sweep-by-hand' });

async function accept(): Promise<{ requestId: string; recipient: string }> {
  const recipient = Wallet.createRandom().address;
  return { requestId: await engine.accept({ currency: 'USDC', toAddress: recipient, amount: AMOUNT }), recipient };
}

async function expectPaidOnce({ requestId, recipient }: { requestId: string; recipient: string }): Promise<void> {
  const row = await engine.until(requestId, ['COMPLETED'], 90_000);
  expect(await paidTo(engine.chain, row.tokenAddress, recipient)).toEqual({ total: AMOUNT, payments: 1 });
}

/** How often the withdrawal has asked for a wallet in vain. */
async function refusals(requestId: string): Promise<number> {
  const { raw } = await engine.handle(requestId).describe();
  return (raw.pendingActivities?.[0]?.attempt ?? 1) - 1;
}

/** At rest: no nonce waits, is missing or was skipped. */
async function expectAtRest(): Promise<void> {
  const next = (await walletRow())?.nextNonce;
  expect([await count('latest'), await count('pending')]).toEqual([next, next]);
}

/** A withdrawal that holds the wallet's next nonce without bytes, and gives it back when told to. */
async function holdNonce(): Promise<{ free(): Promise<void> }> {
  const requestId = await engine.accept({ currency: 'USDC', toAddress: Wallet.createRandom().address, amount: AMOUNT, started: false });
  await makeReserveFunds(engine.ports)({ requestId });
  await takeNonce(engine.ports, { requestId, chainId: chainId(), walletAddress: wallet(), window: 64 });
  return {
    async free() {
      await makeCloseUnpaid(engine.ports)({ requestId, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' });
    },
  };
}

describe('a gap', () => {
  it('is filled while later nonces wait, and everything behind it completes', async () => {
    await start();
    const held = [await holdNonce(), await holdNonce()];
    const payments = await Promise.all([accept(), accept(), accept()]);
    for (const { requestId } of payments) await engine.until(requestId, ['BROADCASTED']);
    expect(await count('latest')).toBe(0);
    for (const { free } of held) await free();

    for (const payment of payments) await expectPaidOnce(payment);
    await expect.poll(nonces, WAIT).toMatchObject([0, 1, 2, 3, 4].map((nonce) => ({ nonce, state: 'CONSUMED' })));
    for (const nonce of [0, 1]) expect(await attemptsOf(fillerIdOf(chainId(), wallet(), nonce))).toMatchObject([{ purpose: 'VOID', status: 'CONFIRMED', value: 0n, to: wallet() }]);
    await expect.poll(async () => (await alertsOf('NONCE_GAP')).map(({ resolvedAt }) => resolvedAt instanceof Date), WAIT).toEqual([true]);
    await expectAtRest();
  });

  it('left by a stranger’s transaction that a reorg took is filled, and what waits behind it is paid once', async () => {
    await start({ settings: settingsWith({ finality: { mode: 'depth', depth: 12 } }) });
    // Deep enough in the chain to stay: from it the books know the wallet's nonces.
    const first = await accept();
    await engine.until(first.requestId, ['CONFIRMING']);
    await engine.chain.rpc.call('anvil_mine', ['0x14', '0x1']);
    await expectPaidOnce(first);
    const stranger = await sendFromHotWallet(engine, { nonce: 1 });
    await stranger.mined();
    const payment = await accept();
    await engine.until(payment.requestId, ['CONFIRMING']);
    expect(await nonces()).toMatchObject([{ nonce: 0 }, { nonce: 1, state: 'FOREIGN' }, { nonce: 2, state: 'SIGNED' }]);
    await engine.chain.rpc.call('anvil_reorg', [10, []]);
    expect(await count('latest')).toBe(1);

    await expectPaidOnce(payment);
    await expect.poll(nonces, WAIT).toMatchObject([{ nonce: 0 }, { nonce: 1, state: 'CONSUMED', requestId: fillerIdOf(chainId(), wallet(), 1) }, { nonce: 2, state: 'CONSUMED' }]);
    expect(await engine.chain.rpc.call('eth_getTransactionReceipt', [stranger.txHash])).toBeNull();
    await expectPaidOnce(first);
    await expectAtRest();
  });

  it('is filled by whoever comes after a guardian that died between committing the filler and sending it', async () => {
    await start();
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const held = await holdNonce();
    const payment = await accept();
    await engine.until(payment.requestId, ['BROADCASTING']);
    await held.free();
    const filler = fillerIdOf(chainId(), wallet(), 0);
    await expect.poll(() => attemptsOf(filler), WAIT).toMatchObject([{ status: 'SIGNED' }]);
    await guardian().terminate('killed');
    engine.proxy.inject({ kind: 'pass' });
    expect(await count('latest')).toBe(0);

    await sweep();
    await expectPaidOnce(payment);
    await expect.poll(() => attemptsOf(filler), WAIT).toMatchObject([{ ordinal: 0, status: 'CONFIRMED' }]);
    await expectAtRest();
  });
});

describe('a foreign transaction', () => {
  it('without outflow costs a nonce and an alert, and the wallet goes on', async () => {
    await start({ settings: settingsWith({}, { headOfLineBlocks: 6 }) });
    await expectPaidOnce(await accept());
    const stranger = await sendFromHotWallet(engine, { nonce: 1 });
    await stranger.mined();
    await expect.poll(() => alertsOf('FOREIGN_TRANSACTION'), WAIT).toMatchObject([{ detail: { nonce: 1, txHash: stranger.txHash } }]);
    expect(await nonces()).toMatchObject([{ nonce: 0, state: 'CONSUMED' }, { nonce: 1, state: 'FOREIGN', consumedBy: stranger.txHash }]);
    expect(await walletRow()).toMatchObject({ status: 'ACTIVE', nextNonce: 2 });
    await expectPaidOnce(await accept());
    await expect.poll(async () => (await alertsOf('FOREIGN_TRANSACTION'))[0]?.resolvedAt, WAIT).toBeInstanceOf(Date);
    await expectAtRest();
  });

  it('with outflow halts the wallet: nothing is signed afterwards until a person says so', async () => {
    await start();
    await expectPaidOnce(await accept());
    await engine.chain.rpc.call('anvil_impersonateAccount', [wallet()]);
    const txHash = await engine.chain.rpc.call<string>('eth_sendTransaction', [{ from: wallet(), to: Wallet.createRandom().address, value: '0xde0b6b3a7640000' }]);
    await expect.poll(walletRow, WAIT).toMatchObject({ status: 'HALTED', statusReason: 'engine: FOREIGN_OUTFLOW' });
    expect(await alertsOf('FOREIGN_OUTFLOW')).toMatchObject([{ resolvedAt: null, detail: { txHash, valueWei: '1000000000000000000' } }]);

    const signed = (await engine.database.db.query.signedTransactions.findMany()).length;
    const payment = await accept();
    await expect.poll(() => refusals(payment.requestId), WAIT).toBeGreaterThanOrEqual(2);
    await guardian().signal('lookNow');
    const { historyLength } = await guardian().describe();
    await expect.poll(async () => (await guardian().describe()).historyLength, WAIT).toBeGreaterThan(historyLength + 20);
    expect(await walletRow()).toMatchObject({ status: 'HALTED' });
    expect(await engine.database.db.query.signedTransactions.findMany()).toHaveLength(signed);

    await setWalletStatus(engine.database.db, chainId(), wallet(), 'ACTIVE', null);
    await expectPaidOnce(payment);
    expect(await walletRow()).toMatchObject({ status: 'ACTIVE' });
  });
});

describe('a wallet without gas', () => {
  it('is paused with an alert, and goes on by itself once it is funded', async () => {
    await start();
    await engine.chain.rpc.call('anvil_setBalance', [wallet(), '0x1']);
    await expect.poll(walletRow, WAIT).toMatchObject({ status: 'PAUSED', statusReason: 'engine: GAS_LOW' });
    expect(await alertsOf('GAS_LOW')).toMatchObject([{ resolvedAt: null, detail: { nativeWei: '1' } }]);
    const payment = await accept();
    await expect.poll(() => refusals(payment.requestId), WAIT).toBeGreaterThanOrEqual(2);
    expect(await nonces()).toEqual([]);
    await engine.chain.rpc.call('anvil_setBalance', [wallet(), PLENTY]);
    await expectPaidOnce(payment);
    expect(await walletRow()).toMatchObject({ status: 'ACTIVE', statusReason: null });
    await expect.poll(async () => (await alertsOf('GAS_LOW'))[0]?.resolvedAt, WAIT).toBeInstanceOf(Date);
  });
});

describe('the lowest nonce', () => {
  it('that makes no progress calls a person once, and the call ends when it moves', async () => {
    await start({ settings: settingsWith({}, { headOfLineBlocks: 4 }) });
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const payment = await accept();
    await expect.poll(() => alertsOf('HEAD_OF_LINE'), WAIT).toMatchObject([{ resolvedAt: null, detail: { nonce: 0, holder: payment.requestId } }]);
    engine.proxy.inject({ kind: 'pass' });
    await expectPaidOnce(payment);
    await expect.poll(async () => (await alertsOf('HEAD_OF_LINE')).map(({ resolvedAt }) => resolvedAt instanceof Date), WAIT).toEqual([true]);
  });
});

describe('the guardian itself', () => {
  it('is started again by the sweeper when it was terminated, and found running when it was not', async () => {
    await start();
    const { runId, typedSearchAttributes } = await guardian().describe();
    expect(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value])).toContainEqual(['Wallet', wallet()]);
    await sweep();
    expect((await guardian().describe()).runId).toBe(runId);
    await guardian().terminate('by hand');
    await sweep();
    const restarted = await guardian().describe();
    expect(restarted.status.name).toBe('RUNNING');
    expect(restarted.runId).not.toBe(runId);
    await engine.chain.rpc.call('anvil_setBalance', [wallet(), '0x1']);
    await expect.poll(walletRow, WAIT).toMatchObject({ status: 'PAUSED' });
  });

  it('remembers across runs: what stands still is counted on through continue-as-new', async () => {
    await start({ guardians: false, settings: settingsWith({}, { headOfLineBlocks: 6 }) });
    await engine.client.workflow.start('guardian', { workflowId: guardianIdOf(chainId(), wallet()), taskQueue: TASK_QUEUES.withdrawals, args: [{ chainId: chainId(), walletAddress: wallet(), looksMax: 2 }] });
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const payment = await accept();
    await engine.until(payment.requestId, ['BROADCASTING']);
    const runs = new Set<string>();
    await expect
      .poll(async () => {
        runs.add((await guardian().describe()).runId);
        return alertsOf('HEAD_OF_LINE');
      }, WAIT)
      .toHaveLength(1);
    expect(runs.size).toBeGreaterThan(2);
    engine.proxy.inject({ kind: 'pass' });
    await expectPaidOnce(payment);
  });

  it('looks at once when it is told to', async () => {
    await start({ settings: settingsWith({}, { everyMs: 600_000 }) });
    const looked = async () => (await guardian().fetchHistory()).events?.filter((event) => event.activityTaskCompletedEventAttributes).length;
    await expect.poll(looked, WAIT).toBe(1);
    await engine.chain.rpc.call('anvil_setBalance', [wallet(), '0x1']);
    expect(await walletRow()).toMatchObject({ status: 'ACTIVE' });
    await guardian().signal('lookNow');
    await expect.poll(walletRow, WAIT).toMatchObject({ status: 'PAUSED', statusReason: 'engine: GAS_LOW' });
  });
});
