import { Wallet } from 'ethers';
import { afterEach, describe, expect, it } from 'vitest';
import { commitCancelIntent } from '../../db/repositories/cancel-intent.ts';
import { workflowIdOf } from '../../domain/request-id.ts';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import { startEngine, type EngineOptions, type TestEngine } from '../harness/engine.ts';
import { callAsOwner, payIn } from '../harness/tokens.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 3_000_000n;
/** more than the sandbox's faucet gives a wallet, within an asset's maximum that the tests raise */
const TOO_MUCH = 20_000_000_000_000n;

let engine: TestEngine;
afterEach(() => engine.stop());

async function start(options: EngineOptions = {}): Promise<void> {
  engine = await startEngine({ settings: (settings) => ({ ...settings, assets: settings.assets.map((asset) => ({ ...asset, maxAmount: '100000000' })) }), ...options });
}

async function accept(amount = AMOUNT, currency = 'USDC'): Promise<{ requestId: string; recipient: string }> {
  const recipient = Wallet.createRandom().address;
  return { requestId: await engine.accept({ currency, toAddress: recipient, amount }), recipient };
}

async function expectPaidOnce(payment: { requestId: string; recipient: string }, amount = AMOUNT): Promise<void> {
  const row = await engine.until(payment.requestId, ['COMPLETED']);
  expect(await paidTo(engine.chain, row.tokenAddress, payment.recipient)).toEqual({ total: amount, payments: 1 });
}

const attemptsOf = (requestId: string) => engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.ordinal) });
const fundsOf = (requestId: string) => engine.database.db.query.fundReservations.findFirst({ where: (table, { eq }) => eq(table.requestId, requestId) });
const eventsOf = async (requestId: string) => (await engine.database.db.query.withdrawalEvents.findMany({ where: (table, { eq }) => eq(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.id) })).map(({ type }) => type);
const settingsWith = (chain: object) => (settings: TestEngine['settings']) => ({ ...settings, chain: { ...settings.chain, ...chain } });

describe('a wallet without funds', () => {
  it('fails the withdrawal after the set time with INSUFFICIENT_BALANCE, nothing held', async () => {
    await start({ settings: (settings) => ({ ...settings, fundsWaitMs: 2_000, assets: settings.assets.map((asset) => ({ ...asset, maxAmount: '100000000' })) }) });
    const { requestId } = await accept(TOO_MUCH);
    await engine.until(requestId, ['AWAITING_FUNDS']);
    expect(await engine.until(requestId, ['FAILED'])).toMatchObject({ errorCode: 'INSUFFICIENT_BALANCE', hasLivePayment: false });
    expect(await fundsOf(requestId)).toBeUndefined();
    expect(await engine.handle(requestId).result()).toBe('FAILED');
    await expectPaidOnce(await accept());
  });

  it('is cancelled at once while it waits: by the API, by a bare signal, and by the Cancel button', async () => {
    await start();
    const byApi = await accept(TOO_MUCH);
    const bySignal = await accept(TOO_MUCH);
    const byButton = await accept(TOO_MUCH);
    for (const { requestId } of [byApi, bySignal, byButton]) await engine.until(requestId, ['AWAITING_FUNDS']);
    expect(await commitCancelIntent(engine.database.db, byApi.requestId, 'all', new Date())).toMatchObject({ kind: 'intended' });
    await engine.handle(byApi.requestId).signal('cancel');
    await engine.handle(bySignal.requestId).signal('cancel');
    await engine.handle(byButton.requestId).cancel();
    for (const { requestId, recipient } of [byApi, bySignal, byButton]) {
      expect(await engine.until(requestId, ['CANCELLED'])).toMatchObject({ errorCode: 'CANCELLED_BY_REQUEST' });
      expect(await engine.handle(requestId).result()).toBe('CANCELLED');
      expect(await paidTo(engine.chain, engine.chain.tokens.TestUSDC, recipient)).toEqual({ total: 0n, payments: 0 });
    }
  });
});

describe('a cancel whose signal was lost', () => {
  it('is said again by the sweeper, also to a parked withdrawal', async () => {
    await start();
    const wallet = await engine.database.db.query.wallets.findFirst();
    await engine.hideKey(wallet?.keyId ?? '');
    const { requestId } = await accept();
    await engine.until(requestId, ['DEAD_LETTERED']);
    expect(await commitCancelIntent(engine.database.db, requestId, 'all', new Date(Date.now() - 60_000))).toMatchObject({ kind: 'intended' });
    await engine.client.workflow.execute('sweep', { taskQueue: TASK_QUEUES.withdrawals, workflowId: 'sweep-by-hand' });
    await engine.until(requestId, ['CANCELLED']);
    expect(await fundsOf(requestId)).toMatchObject({ state: 'RELEASED', spentAmount: 0n });
  });
});

describe('a cancel that comes too late', () => {
  it('changes nothing once bytes that pay are committed', async () => {
    await start();
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const payment = await accept();
    await engine.until(payment.requestId, ['BROADCASTING']);
    expect(await commitCancelIntent(engine.database.db, payment.requestId, 'all', new Date())).toMatchObject({ kind: 'refused', reason: 'payment-signed' });
    await engine.handle(payment.requestId).signal('cancel');
    engine.proxy.inject({ kind: 'pass' });
    await expectPaidOnce(payment);
  });
});

describe('odd tokens', () => {
  it('parks a payment that arrived short, and never pays it again by itself or by a retry', async () => {
    await start();
    await payIn(engine, 'USDC', 'TestFeeToken');
    const { requestId, recipient } = await accept();
    const parked = await engine.until(requestId, ['DEAD_LETTERED']);
    expect(parked).toMatchObject({ errorCode: 'PAYMENT_MISMATCH', hasLivePayment: true });
    const short = await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, recipient);
    expect(short.payments).toBe(1);
    expect(short.total).toBeLessThan(AMOUNT);

    await expect.poll(() => engine.searchAttributesOf(requestId), { timeout: 10_000 }).toMatchObject({ WithdrawalStatus: 'DEAD_LETTERED' });
    const tries = (await eventsOf(requestId)).filter((type) => type === 'parked for a person').length;
    await engine.handle(requestId).signal('retry');
    await engine.handle(requestId).signal('cancel');
    await expect.poll(async () => engine.handle(requestId).describe().then(({ historyLength }) => historyLength), { timeout: 10_000 }).toBeGreaterThan(30);
    expect(await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, recipient)).toEqual(short);
    expect(tries).toBe(1);
    expect((await engine.row(requestId)).status).toBe('DEAD_LETTERED');
  });

  it('fails a withdrawal the token refuses before a nonce is spent', async () => {
    await start();
    await callAsOwner(engine.chain, 'TestUSDC', 'pause');
    const { requestId, recipient } = await accept();
    expect(await engine.until(requestId, ['FAILED'])).toMatchObject({ errorCode: 'TRANSFER_REFUSED' });
    expect(await engine.database.db.query.nonceReservations.findMany()).toEqual([]);
    expect(await paidTo(engine.chain, engine.chain.tokens.TestUSDC, recipient)).toEqual({ total: 0n, payments: 0 });
    await expectPaidOnce(await accept(AMOUNT, 'USDT'));
  });
});

describe('a chain in motion', () => {
  it('replaces a stuck payment on its nonce at a higher fee, and pays once', async () => {
    await start({ settings: settingsWith({ stuckAfterBlocks: 3 }) });
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const payment = await accept();
    await engine.until(payment.requestId, ['BROADCASTING']);
    const [first] = await attemptsOf(payment.requestId);
    // The market leaves the signed fee behind before the bytes arrive.
    await engine.chain.rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${((first?.maxFeePerGas ?? 0n) * 3n).toString(16)}`]);
    engine.proxy.inject({ kind: 'pass' });
    await engine.until(payment.requestId, ['COMPLETED'], 90_000);
    await expectPaidOnce(payment);
    const attempts = await attemptsOf(payment.requestId);
    expect(attempts.length).toBeGreaterThan(1);
    expect(new Set(attempts.map(({ nonce, to, value }) => `${nonce} ${to} ${value}`)).size).toBe(1);
    for (const [index, attempt] of attempts.slice(1).entries()) {
      expect(attempt.maxFeePerGas * 100n).toBeGreaterThanOrEqual((attempts[index]?.maxFeePerGas ?? 0n) * 110n);
      expect(attempt.maxPriorityFeePerGas * 100n).toBeGreaterThanOrEqual((attempts[index]?.maxPriorityFeePerGas ?? 0n) * 110n);
    }
    expect(attempts.filter(({ status }) => status === 'CONFIRMED')).toHaveLength(1);
  });
});

describe("operators' hands", () => {
  it('pays once when a run is terminated under way and the sweeper starts it again', async () => {
    await start();
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const payment = await accept();
    await engine.until(payment.requestId, ['BROADCASTING']);
    await engine.handle(payment.requestId).terminate('by hand');
    engine.proxy.inject({ kind: 'pass' });
    const status = async () => (await engine.handle(payment.requestId).describe()).status.name;
    await expect.poll(
      async () => {
        await engine.client.workflow.execute('sweep', { taskQueue: TASK_QUEUES.withdrawals, workflowId: 'sweep-by-hand' });
        return status();
      },
      { timeout: 30_000 },
    ).not.toBe('TERMINATED');
    await expectPaidOnce(payment);
  });

  it('pays nothing again when a completed run is reset to its beginning', async () => {
    await start();
    const payment = await accept();
    await expectPaidOnce(payment);
    await engine.handle(payment.requestId).result();
    const { events } = await engine.handle(payment.requestId).fetchHistory();
    const firstTask = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId;
    const { runId } = await engine.handle(payment.requestId).describe();
    await engine.client.workflowService.resetWorkflowExecution({
      namespace: engine.client.options.namespace,
      workflowExecution: { workflowId: workflowIdOf(payment.requestId), runId },
      reason: 'by hand',
      requestId: 'reset-once',
      workflowTaskFinishEventId: firstTask ?? null,
    });
    await expect.poll(async () => (await engine.handle(payment.requestId).describe()).runId, { timeout: 10_000 }).not.toBe(runId);
    expect(await engine.handle(payment.requestId).result()).toBe('COMPLETED');
    await expectPaidOnce(payment);
    expect(await attemptsOf(payment.requestId)).toHaveLength(1);
  });
});
