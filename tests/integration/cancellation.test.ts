import { Wallet } from 'ethers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeReserveFunds } from '../../activities/reserve-funds.ts';
import { makeSign } from '../../activities/sign.ts';
import { startTestApi, type TestApi } from '../../api/api.testkit.ts';
import type { WithdrawalDetailView } from '../../api/schemas/withdrawal.ts';
import { liftHalt, setHalt } from '../../db/repositories/operations/halts.ts';
import { wallets } from '../../db/schema/index.ts';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 3_000_000n;
const LARGE = 1_000_000_000n;
const NOTHING = { total: 0n, payments: 0 };
const OPERATORS_HALT = { scope: 'GLOBAL', target: '*', kind: 'OPERATOR' } as const;

interface Payment {
  requestId: string;
  recipient: string;
}

let engine: TestEngine;
let api: TestApi;
beforeAll(async () => {
  engine = await startEngine();
  api = await startTestApi({ engine });
});
afterAll(async () => {
  await api.close();
  await engine.stop();
});
/** What the test held up, let go, whatever came of it. */
let letGo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of letGo.splice(0)) await undo();
});

async function accept(amount = AMOUNT, currency = 'USDC', started = true): Promise<Payment> {
  const recipient = Wallet.createRandom().address;
  return { requestId: await engine.accept({ currency, toAddress: recipient, amount, started }), recipient };
}
const ask = ({ requestId }: Payment, by: 'owner' | 'operator') => {
  const [url, { bearer }] = by === 'owner' ? ([`/withdrawals/${requestId}/cancel`, api.user] as const) : ([`/admin/transactions/${requestId}/cancel`, api.admin] as const);
  return api.app.inject({ method: 'POST', url, headers: { authorization: bearer } });
};
async function cancel(payment: Payment, by: 'owner' | 'operator' = 'owner'): Promise<void> {
  const response = await ask(payment, by);
  expect(response.statusCode).toBe(202);
  expect(response.json()).toMatchObject({ cancellation: { requestedAt: expect.any(String) } });
}
const seen = async ({ requestId }: Payment) => (await api.get(`/withdrawals/${requestId}`)).json<WithdrawalDetailView>();
const received = ({ recipient }: Payment) => paidTo(engine.chain, engine.chain.tokens.TestUSDC, recipient);
const attemptsOf = ({ requestId }: Payment) => engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.id) });
const noncesOf = ({ requestId }: Payment) => engine.database.db.query.nonceReservations.findMany({ where: (table, { eq }) => eq(table.requestId, requestId) });
const fundsOf = ({ requestId }: Payment) => engine.database.db.query.fundReservations.findFirst({ where: (table, { eq }) => eq(table.requestId, requestId) });
const sweep = () => engine.client.workflow.execute('sweep', { taskQueue: TASK_QUEUES.withdrawals, workflowId: 'sweep-by-hand' });

async function stopMining(): Promise<void> {
  await engine.chain.rpc.call('evm_setIntervalMining', [0]);
  letGo.push(startMining);
}
const startMining = () => engine.chain.rpc.call('evm_setIntervalMining', [1]);
function refuseSending(): void {
  engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
  letGo.push(async () => engine.proxy.inject({ kind: 'pass' }));
}
async function halt(): Promise<void> {
  await setHalt(engine.database.db, { ...OPERATORS_HALT, reason: 'test', setBy: 'test' });
  letGo.push(() => liftHalt(engine.database.db, OPERATORS_HALT));
}
const untilVoidIsOut = (payment: Payment) => expect.poll(async () => (await attemptsOf(payment)).at(-1), { timeout: 30_000 }).toMatchObject({ purpose: 'VOID', status: 'BROADCASTED' });

async function expectCancelled(payment: Payment): Promise<void> {
  expect(await engine.until(payment.requestId, ['CANCELLED', 'COMPLETED', 'FAILED'])).toMatchObject({ status: 'CANCELLED', errorCode: 'CANCELLED_BY_REQUEST', hasLivePayment: false });
  expect(await engine.handle(payment.requestId).result()).toBe('CANCELLED');
  expect(await seen(payment)).toMatchObject({ outcome: 'NOT_PAID', cancellation: { result: 'cancelled' } });
  expect(await received(payment)).toEqual(NOTHING);
  const funds = await fundsOf(payment);
  if (funds) expect(funds).toMatchObject({ state: 'RELEASED', spentAmount: 0n });
}
/** Cancelled before anything was signed: no nonce is used up. */
async function expectCancelledUnsigned(payment: Payment): Promise<void> {
  await expectCancelled(payment);
  expect(await attemptsOf(payment)).toEqual([]);
  expect((await noncesOf(payment)).every(({ state }) => state === 'FREED')).toBe(true);
}
/** Cancelled on chain: the nonce was used up by a transaction that pays nobody. */
async function expectVoided(payment: Payment): Promise<void> {
  await expectCancelled(payment);
  const attempts = await attemptsOf(payment);
  expect(attempts.find(({ status }) => status === 'CONFIRMED')).toMatchObject({ purpose: 'VOID', value: 0n });
  expect(await noncesOf(payment)).toMatchObject([{ state: 'CONSUMED' }]);
}
async function expectPaid(payment: Payment): Promise<void> {
  await engine.until(payment.requestId, ['COMPLETED']);
  expect(await received(payment)).toEqual({ total: AMOUNT, payments: 1 });
}
/** What comes after it on the wallet is not held up. */
async function expectLaterOnesGoOn(): Promise<void> {
  await expectPaid(await accept());
}

describe('a cancellation before anything is signed ends it at once', () => {
  it('before its workflow runs', async () => {
    const payment = await accept(AMOUNT, 'USDC', false);
    await cancel(payment);
    expect(await seen(payment)).toMatchObject({ status: 'PENDING', cancellation: { result: 'pending' } });
    await sweep();
    await expectCancelledUnsigned(payment);
    await expectLaterOnesGoOn();
  });

  it('while it waits for approval', async () => {
    const payment = await accept(LARGE);
    await engine.until(payment.requestId, ['AWAITING_APPROVAL']);
    await cancel(payment, 'operator');
    await expectCancelledUnsigned(payment);
    expect(await noncesOf(payment)).toEqual([]);
    // The signing service may be away for that.
    const { events } = await engine.handle(payment.requestId).fetchHistory();
    expect(events?.flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [])).toEqual(['reserveFunds']);
    await expectLaterOnesGoOn();
  });

  it('while it waits for funds', async () => {
    const [wallet = ''] = engine.wallets;
    const balance = await engine.chain.rpc.call<string>('eth_getBalance', [wallet, 'latest']);
    const setBalance = async (wei: string) => {
      await engine.chain.rpc.call('anvil_setBalance', [wallet, wei]);
      await engine.redis.flushdb();
    };
    await setBalance('0x0');
    letGo.push(() => setBalance(balance));
    const payment = await accept();
    await engine.until(payment.requestId, ['AWAITING_FUNDS']);
    await cancel(payment);
    await expectCancelledUnsigned(payment);
    expect(await fundsOf(payment)).toBeUndefined();
    await setBalance(balance);
    await expectLaterOnesGoOn();
  });

  it('while the signer signs: its bytes are forgotten, and the next one is given the nonce', async () => {
    const { signer } = engine.ports;
    const asleep = Promise.withResolvers<void>();
    const wake = Promise.withResolvers<void>();
    engine.ports.signer = {
      ...signer,
      async signTransaction(request) {
        const signed = await signer.signTransaction(request);
        asleep.resolve();
        await wake.promise;
        return signed;
      },
    };
    letGo.push(async () => {
      wake.resolve();
      engine.ports.signer = signer;
    });
    const payment = await accept();
    await asleep.promise;
    expect((await engine.row(payment.requestId)).status).toBe('SIGNING');
    const [reserved] = await noncesOf(payment);
    expect(reserved).toMatchObject({ state: 'RESERVED' });
    await cancel(payment, 'operator');
    wake.resolve();
    await expectCancelledUnsigned(payment);
    const later = await accept();
    await expectPaid(later);
    expect((await attemptsOf(later))[0]?.nonce).toBe(reserved?.nonce);
  });

  it('while everything is halted', async () => {
    await halt();
    const payment = await accept();
    const asked = async () => (await engine.handle(payment.requestId).describe()).raw.pendingActivities?.[0]?.attempt ?? 0;
    await expect.poll(asked, { timeout: 20_000 }).toBeGreaterThan(1);
    const later = await accept();
    await cancel(payment);
    await expectCancelledUnsigned(payment);
    await liftHalt(engine.database.db, OPERATORS_HALT);
    await expectPaid(later);
  });

  it('while it is parked', async () => {
    const wallet = await engine.database.db.query.wallets.findFirst();
    const setKey = (keyId: string) => engine.database.db.update(wallets).set({ keyId });
    await setKey('gone');
    letGo.push(() => setKey(wallet?.keyId ?? ''));
    const payment = await accept();
    await engine.until(payment.requestId, ['DEAD_LETTERED']);
    await cancel(payment, 'operator');
    await expectCancelledUnsigned(payment);
    await setKey(wallet?.keyId ?? '');
    await expectLaterOnesGoOn();
  });
});

describe('a cancellation after signing is decided by the chain', () => {
  it('signed, and no workflow to send it: the payment never goes out', async () => {
    const payment = await accept(AMOUNT, 'USDC', false);
    await makeReserveFunds(engine.ports)({ requestId: payment.requestId });
    await makeSign(engine.ports)({ requestId: payment.requestId, mode: 'pay' });
    expect((await engine.row(payment.requestId)).status).toBe('SIGNED');
    await cancel(payment);
    expect(await seen(payment)).toMatchObject({ outcome: 'UNKNOWN', cancellation: { result: 'pending' } });
    const later = await accept();
    await sweep();
    await expectVoided(payment);
    expect((await attemptsOf(payment))[0]).toMatchObject({ purpose: 'PAY', broadcastedAt: null });
    await expectPaid(later);
  });

  it('while sending fails', async () => {
    refuseSending();
    const payment = await accept();
    await engine.until(payment.requestId, ['BROADCASTING']);
    const later = await accept();
    await cancel(payment, 'operator');
    await expect.poll(async () => (await attemptsOf(payment)).at(-1)?.purpose, { timeout: 30_000 }).toBe('VOID');
    engine.proxy.inject({ kind: 'pass' });
    await expectVoided(payment);
    await expectPaid(later);
  });

  it('in the pool, also while everything is halted', async () => {
    await stopMining();
    const payment = await accept();
    await engine.until(payment.requestId, ['BROADCASTED']);
    const later = await accept();
    await halt();
    await cancel(payment);
    await untilVoidIsOut(payment);
    await startMining();
    await expectVoided(payment);
    await liftHalt(engine.database.db, OPERATORS_HALT);
    await expectPaid(later);
  });

  it('and lost where the payment is mined first: the answer says so', async () => {
    await stopMining();
    const payment = await accept();
    await engine.until(payment.requestId, ['BROADCASTED']);
    refuseSending();
    await cancel(payment);
    await expect.poll(async () => (await attemptsOf(payment)).at(-1)?.purpose, { timeout: 30_000 }).toBe('VOID');
    await startMining();
    await expect.poll(async () => (await received(payment)).payments, { timeout: 20_000 }).toBe(1);
    engine.proxy.inject({ kind: 'pass' });
    await expectPaid(payment);
    expect(await seen(payment)).toMatchObject({ outcome: 'PAID', cancellation: { result: 'paid-first' } });
    await expectLaterOnesGoOn();
  });

  it('and refused once the payment was seen in a block', async () => {
    await stopMining();
    const payment = await accept();
    await engine.until(payment.requestId, ['BROADCASTED']);
    await engine.chain.rpc.call('anvil_mine', ['0x1']);
    await engine.until(payment.requestId, ['CONFIRMING']);
    for (const by of ['owner', 'operator'] as const) {
      const refused = await ask(payment, by);
      expect(refused.statusCode).toBe(409);
      expect(refused.json()).toMatchObject({ error: { code: 'INVALID_STATE' }, details: [{ reason: 'payment-mined' }] });
    }
    await startMining();
    await expectPaid(payment);
    expect(await seen(payment)).not.toHaveProperty('cancellation');
    expect((await ask(payment, 'operator')).json()).toMatchObject({ details: [{ reason: 'ended' }] });
  });
});
