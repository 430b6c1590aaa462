import { Wallet } from 'ethers';
import { afterEach, describe, expect, it } from 'vitest';
import { commitCancelIntent } from '../../db/repositories/withdrawals/cancel-intent.ts';
import { deadLetters } from '../../db/schema/index.ts';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import { startEngine, type EngineOptions, type TestEngine } from '../harness/engine.ts';
import { withoutLimits } from '../harness/policies.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 3_000_000n;
/** more than the sandbox's faucet gives a wallet, within an asset's maximum that the tests raise */
const TOO_MUCH = 20_000_000_000_000n;

let engine: TestEngine;
afterEach(() => engine.stop());

async function start(options: EngineOptions = {}): Promise<void> {
  engine = await startEngine({ settings: withoutLimits, ...options });
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
const settingsWith = (chain: object) => (settings: TestEngine['settings']) => ({ ...settings, chain: { ...settings.chain, ...chain } });

describe('a wallet without funds', () => {
  it('fails the withdrawal after the set time with INSUFFICIENT_BALANCE, nothing held', async () => {
    await start({ settings: (settings) => ({ ...withoutLimits(settings), fundsWaitMs: 2_000 }) });
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

it('a ruling that cannot be booked, nobody knows why, is booked a little later, and nobody is called for it', async () => {
  await start();
  const { pool } = engine.database;
  // A table without transactions: what is written to it stays where the booking is undone.
  await pool.query('CREATE TABLE refusals (at DATETIME(3)) ENGINE=MyISAM');
  await pool.query(`CREATE TRIGGER refuse BEFORE UPDATE ON fund_reservations FOR EACH ROW
    BEGIN
      IF NEW.state = 'CONSUMED' THEN
        INSERT INTO refusals VALUES (NOW(3));
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today';
      END IF;
    END`);
  const payment = await accept();
  const refusals = async () => ((await pool.query('SELECT COUNT(*) AS count FROM refusals'))[0] as [{ count: number }])[0].count;
  await expect.poll(refusals, { timeout: 60_000 }).toBeGreaterThanOrEqual(2);
  await pool.query('DROP TRIGGER refuse');
  await expectPaidOnce(payment);
  expect(await engine.database.db.$count(deadLetters)).toBe(0);
  expect(await attemptsOf(payment.requestId)).toHaveLength(1);
});
