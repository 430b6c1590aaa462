import type { Client } from '@temporalio/client';
import { Wallet } from 'ethers';
import { afterEach, describe, expect, it } from 'vitest';
import { commitCancelIntent } from '../../db/repositories/withdrawals/cancel-intent.ts';
import { getStarts } from '../../db/repositories/withdrawals/starts.ts';
import { workflowIdOf } from '../../domain/request-id.ts';
import type { WithdrawalStatus } from '../../domain/status.ts';
import { startWithdrawal, type WithdrawalStart } from '../../temporal-config/start-withdrawal.ts';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import { withoutLimits } from '../harness/policies.ts';
import { startEngine, type EngineOptions, type TestEngine } from '../harness/engine.ts';
import { callAsOwner, payIn } from '../harness/tokens.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 4_000_000n;
/** more than the sandbox's faucet gives a wallet, within an asset's maximum that the tests raise */
const TOO_MUCH = 20_000_000_000_000n;
/** a plain withdrawal takes about 31 events and one that waited or was refused a few times somewhat more; an error loop takes ever more */
const EVENTS_MAX = 90;

interface Payment {
  requestId: string;
  recipient: string;
}

let engine: TestEngine;
afterEach(() => engine.stop());

async function start(options: EngineOptions = {}): Promise<void> {
  engine = await startEngine({ ...options, settings: (settings) => (options.settings ?? ((same) => same))(withoutLimits(settings)) });
}

async function accept(options: { amount?: bigint; currency?: string; started?: boolean } = {}): Promise<Payment> {
  const recipient = Wallet.createRandom().address;
  const { amount = AMOUNT, currency = 'USDC', started = true } = options;
  return { requestId: await engine.accept({ currency, toAddress: recipient, amount, started }), recipient };
}

async function expectPaidOnce({ requestId, recipient }: Payment, amount = AMOUNT): Promise<void> {
  const row = await engine.until(requestId, ['COMPLETED']);
  expect(await paidTo(engine.chain, row.tokenAddress, recipient)).toEqual({ total: amount, payments: 1 });
  expect(await fundsOf(requestId)).toMatchObject({ state: 'CONSUMED', spentAmount: amount });
}

const fundsOf = (requestId: string) => engine.database.db.query.fundReservations.findFirst({ where: (table, { eq }) => eq(table.requestId, requestId) });
const noncesOf = (requestId: string) => engine.database.db.query.nonceReservations.findMany({ where: (table, { eq }) => eq(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.nonce) });
const attemptsOf = (requestId: string) => engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, requestId) });
const eventsOf = async (requestId: string) => (await engine.database.db.query.withdrawalEvents.findMany({ where: (table, { eq }) => eq(table.requestId, requestId) })).map(({ type }) => type);

async function startOf(requestId: string): Promise<WithdrawalStart> {
  const [found] = await getStarts(engine.database.db, [requestId]);
  if (!found) throw new Error(`${requestId} has ended`);
  return found;
}

/** The workflow's own end in a namespace, reached without a failing workflow task and without going round in circles. */
async function endIn(client: Client, requestId: string, eventsMax = EVENTS_MAX): Promise<unknown> {
  const handle = client.workflow.getHandle(workflowIdOf(requestId));
  const end: unknown = await handle.result();
  const { events } = await handle.fetchHistory();
  expect(events?.length).toBeLessThan(eventsMax);
  expect(events?.filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
  return end;
}

describe('a second fleet in the same namespace', () => {
  it('shares the work, takes over when the first one stops, and pays each withdrawal once', async () => {
    await start({ workers: false });
    const first = await engine.startFleet('same');
    await engine.startFleet('same');
    const payments = await Promise.all(Array.from({ length: 20 }, () => accept()));
    await engine.until(payments[0]?.requestId ?? '', ['BROADCASTED', 'CONFIRMING', 'COMPLETED']);
    await first.stop();
    payments.push(await accept());
    for (const payment of payments) {
      await expectPaidOnce(payment);
      expect(await attemptsOf(payment.requestId)).toHaveLength(1);
      expect(await endIn(engine.client, payment.requestId)).toBe('COMPLETED');
    }
    const nonces = await engine.database.db.query.nonceReservations.findMany({ orderBy: (table, { asc }) => asc(table.nonce) });
    expect(nonces.map(({ nonce, state }) => `${nonce} ${state}`)).toEqual(payments.map((_, nonce) => `${nonce} CONSUMED`));
  });
});

describe('a second fleet in a namespace of its own: two workflows for one withdrawal', () => {
  /** Accepts a withdrawal and starts it in both namespaces at once. */
  async function acceptInBoth(other: Client, options: { amount?: bigint; currency?: string } = {}): Promise<Payment> {
    const payment = await accept({ ...options, started: false });
    const begin = await startOf(payment.requestId);
    await Promise.all([startWithdrawal(engine.client, begin), startWithdrawal(other, begin)]);
    return payment;
  }

  async function expectBothEnd(other: Client, { requestId }: Payment, end: WithdrawalStatus, eventsMax = EVENTS_MAX): Promise<void> {
    expect(await Promise.all([endIn(engine.client, requestId, eventsMax), endIn(other, requestId, eventsMax)])).toEqual([end, end]);
    expect((await engine.row(requestId)).status).toBe(end);
  }

  it('pays each withdrawal once, and both workflows come to the same end', async () => {
    await start({ settings: (settings) => ({ ...settings, fundsWaitMs: 4_000 }) });
    const { client: other } = await engine.startFleet('own');
    const payments = await Promise.all(Array.from({ length: 8 }, (_, index) => acceptInBoth(other, { currency: index % 2 === 0 ? 'USDC' : 'USDT' })));
    const poor = await acceptInBoth(other, { amount: TOO_MUCH });
    for (const payment of payments) {
      await expectPaidOnce(payment);
      expect(await attemptsOf(payment.requestId)).toHaveLength(1);
      expect(await noncesOf(payment.requestId)).toMatchObject([{ state: 'CONSUMED' }]);
      await expectBothEnd(other, payment, 'COMPLETED');
    }
    await expectBothEnd(other, poor, 'FAILED');
    expect(await fundsOf(poor.requestId)).toBeUndefined();

    await callAsOwner(engine.chain, 'TestUSDC', 'pause');
    const refused = await acceptInBoth(other);
    await expectBothEnd(other, refused, 'FAILED');
    expect(await noncesOf(refused.requestId)).toEqual([]);
  });

  it('ends both when the chain refuses what was signed, and when one of them is cancelled', async () => {
    await start();
    const { client: other } = await engine.startFleet('own');
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const signed = await acceptInBoth(other);
    await engine.until(signed.requestId, ['BROADCASTING']);
    await callAsOwner(engine.chain, 'TestUSDC', 'pause');
    engine.proxy.inject({ kind: 'pass' });
    await expectBothEnd(other, signed, 'FAILED');
    expect(await fundsOf(signed.requestId)).toMatchObject({ state: 'RELEASED', spentAmount: 0n });
    expect(await noncesOf(signed.requestId)).toMatchObject([{ state: 'CONSUMED' }]);

    const waiting = await acceptInBoth(other, { amount: TOO_MUCH });
    await engine.until(waiting.requestId, ['AWAITING_FUNDS']);
    expect(await commitCancelIntent(engine.database.db, waiting.requestId, 'all', new Date())).toMatchObject({ kind: 'intended' });
    await other.workflow.getHandle(workflowIdOf(waiting.requestId)).signal('cancel');
    await expectBothEnd(other, waiting, 'CANCELLED');
  });

  it('pays once when both replace a stuck payment at a higher fee, each behind the other one\'s back', async () => {
    await start({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, stuckAfterBlocks: 3 } }) });
    const { client: other } = await engine.startFleet('own');
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const payment = await acceptInBoth(other);
    await engine.until(payment.requestId, ['BROADCASTING']);
    const [first] = await attemptsOf(payment.requestId);
    await engine.chain.rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${((first?.maxFeePerGas ?? 0n) * 3n).toString(16)}`]);
    engine.proxy.inject({ kind: 'pass' });
    await expectPaidOnce(payment);
    const attempts = await attemptsOf(payment.requestId);
    expect(attempts.length).toBeGreaterThan(1);
    expect(new Set(attempts.map(({ nonce, to }) => `${nonce} ${to}`)).size).toBe(1);
    expect(attempts.filter(({ status }) => status === 'CONFIRMED')).toHaveLength(1);
    // Each replacement adds its events, and it takes several until the market is reached.
    await expectBothEnd(other, payment, 'COMPLETED', 400);
  });

  it('parks both on a payment that arrived short, and neither pays it again', async () => {
    await start();
    const { client: other } = await engine.startFleet('own');
    await payIn(engine, 'USDC', 'TestFeeToken');
    const { requestId, recipient } = await acceptInBoth(other);
    await engine.until(requestId, ['DEAD_LETTERED']);
    const attribute = async (client: Client) => (await client.workflow.getHandle(workflowIdOf(requestId)).describe()).searchAttributes['WithdrawalStatus'];
    for (const client of [engine.client, other]) await expect.poll(() => attribute(client), { timeout: 40_000 }).toEqual(['DEAD_LETTERED']);
    expect((await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, recipient)).payments).toBe(1);
    expect(await attemptsOf(requestId)).toHaveLength(1);
  });
});

describe('an id used again after its history is gone', () => {
  it.each([
    ['COMPLETED', { amount: AMOUNT, paused: false, cancelled: false }],
    ['FAILED', { amount: AMOUNT, paused: true, cancelled: false }],
    ['CANCELLED', { amount: TOO_MUCH, paused: false, cancelled: true }],
  ] as const)('ends at once as %s again, and pays nothing', async (end, how) => {
    await start();
    if (how.paused) await callAsOwner(engine.chain, 'TestUSDC', 'pause');
    const { requestId, recipient } = await accept({ amount: how.amount });
    const begin = await startOf(requestId);
    if (how.cancelled) {
      await engine.until(requestId, ['AWAITING_FUNDS']);
      await engine.handle(requestId).signal('cancel');
    }
    expect(await engine.handle(requestId).result()).toBe(end);
    const row = await engine.row(requestId);
    const events = await eventsOf(requestId);
    // As long as the history is there, Temporal itself refuses.
    expect(await startWithdrawal(engine.client, begin)).toBe('closed');

    // What retention does in the end.
    const { namespace } = engine.client.options;
    await engine.client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId: workflowIdOf(requestId) } });
    await expect.poll(() => engine.handle(requestId).describe().then(() => 'there', () => 'gone'), { timeout: 90_000 }).toBe('gone');
    // Nothing but the database stands in the way of paying now.
    if (how.paused) await callAsOwner(engine.chain, 'TestUSDC', 'unpause');
    await callAsOwner(engine.chain, 'TestUSDC', 'mint', engine.wallets[0], TOO_MUCH);

    expect(await startWithdrawal(engine.client, begin)).toBe('started');
    expect(await endIn(engine.client, requestId)).toBe(end);
    expect(await engine.row(requestId)).toEqual(row);
    expect(await eventsOf(requestId)).toEqual(events);
    expect(await paidTo(engine.chain, row.tokenAddress, recipient)).toEqual(end === 'COMPLETED' ? { total: AMOUNT, payments: 1 } : { total: 0n, payments: 0 });
    expect((await attemptsOf(requestId)).length).toBe(end === 'COMPLETED' ? 1 : 0);
  });
});

describe('a run terminated by hand, started again by the sweeper', () => {
  /** Terminates the run and sweeps until Temporal's visibility has shown it to the sweeper. */
  async function terminateAndSweep(requestId: string): Promise<void> {
    const before = (await engine.handle(requestId).describe()).runId;
    await engine.handle(requestId).terminate('by hand');
    await expect
      .poll(
        async () => {
          await engine.client.workflow.execute('sweep', { taskQueue: TASK_QUEUES.withdrawals, workflowId: 'sweep-by-hand' });
          return (await engine.handle(requestId).describe()).runId;
        },
        { timeout: 30_000 },
      )
      .not.toBe(before);
  }

  it('while it waits for funds: pays once when they come', async () => {
    await start();
    const payment = await accept({ amount: TOO_MUCH });
    await engine.until(payment.requestId, ['AWAITING_FUNDS']);
    await terminateAndSweep(payment.requestId);
    expect((await engine.row(payment.requestId)).status).toBe('AWAITING_FUNDS');
    await callAsOwner(engine.chain, 'TestUSDC', 'mint', engine.wallets[0], TOO_MUCH);
    await expectPaidOnce(payment, TOO_MUCH);
    expect(await endIn(engine.client, payment.requestId)).toBe('COMPLETED');
  });

  it('while its payment is in a block and not yet final: pays once', async () => {
    await start({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, finality: { mode: 'depth', depth: 8 } } }) });
    const payment = await accept();
    await engine.until(payment.requestId, ['CONFIRMING']);
    await terminateAndSweep(payment.requestId);
    await expectPaidOnce(payment);
    expect(await attemptsOf(payment.requestId)).toHaveLength(1);
    expect(await endIn(engine.client, payment.requestId)).toBe('COMPLETED');
  });

  it('while it is parked: is parked again, and answers a retry', async () => {
    await start();
    const wallet = await engine.database.db.query.wallets.findFirst();
    const key = await engine.hideKey(wallet?.keyId ?? '');
    const payment = await accept();
    await engine.until(payment.requestId, ['DEAD_LETTERED']);
    await terminateAndSweep(payment.requestId);
    await expect.poll(() => engine.searchAttributesOf(payment.requestId), { timeout: 40_000 }).toMatchObject({ WithdrawalStatus: 'DEAD_LETTERED' });
    expect(await engine.row(payment.requestId)).toMatchObject({ status: 'DEAD_LETTERED', errorCode: 'KEY_INVALID' });
    await key.restore();
    await engine.handle(payment.requestId).signal('retry');
    await expectPaidOnce(payment);
    expect(await engine.handle(payment.requestId).result()).toBe('COMPLETED');
  });

  it.each(['before', 'after'])('%s its nonce is voided: voids it to the end, stays parked, and a retry pays once on another nonce', async (when) => {
    await start();
    engine.proxy.inject({ kind: 'error', message: 'blocked by a policy nobody has documented' }, ['eth_sendRawTransaction']);
    const payment = await accept();
    await engine.until(payment.requestId, ['DEAD_LETTERED']);
    if (when === 'after') await expect.poll(async () => (await attemptsOf(payment.requestId)).map(({ purpose }) => purpose), { timeout: 30_000 }).toEqual(['PAY', 'VOID']);
    await terminateAndSweep(payment.requestId);
    engine.proxy.inject({ kind: 'pass' });
    const later = await accept({ currency: 'USDT' });
    await expectPaidOnce(later);
    await expect.poll(async () => (await engine.row(payment.requestId)).hasLivePayment, { timeout: 60_000 }).toBe(false);
    await expect.poll(() => engine.searchAttributesOf(payment.requestId), { timeout: 40_000 }).toMatchObject({ WithdrawalStatus: 'DEAD_LETTERED' });
    expect(await paidTo(engine.chain, engine.chain.tokens.TestUSDC, payment.recipient)).toEqual({ total: 0n, payments: 0 });
    expect(await noncesOf(payment.requestId)).toMatchObject([{ nonce: 0, state: 'CONSUMED' }]);
    await engine.handle(payment.requestId).signal('retry');
    await expectPaidOnce(payment);
    expect(await noncesOf(payment.requestId)).toMatchObject([{ nonce: 0, state: 'CONSUMED' }, { state: 'CONSUMED' }]);
  });

  it('while it is parked with a payment that arrived short: is parked again, and pays nothing', async () => {
    await start();
    await payIn(engine, 'USDC', 'TestFeeToken');
    const { requestId, recipient } = await accept();
    await engine.until(requestId, ['DEAD_LETTERED']);
    const short = await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, recipient);
    await terminateAndSweep(requestId);
    await expect.poll(() => engine.searchAttributesOf(requestId), { timeout: 40_000 }).toMatchObject({ WithdrawalStatus: 'DEAD_LETTERED' });
    expect(await engine.row(requestId)).toMatchObject({ status: 'DEAD_LETTERED', errorCode: 'PAYMENT_MISMATCH' });
    expect(await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, recipient)).toEqual(short);
    expect(await attemptsOf(requestId)).toHaveLength(1);
  });
});
