import { Contract, Wallet } from 'ethers';
import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import { makeSign } from '../../activities/sign.ts';
import { commitCancelIntent } from '../../db/repositories/withdrawals/cancel-intent.ts';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { withdrawalRequests } from '../../db/schema/index.ts';
import { workflowIdOf } from '../../domain/request-id.ts';
import { chainClient, treasury } from '../../scripts/sandbox/chain-client.ts';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import { startEngine, type EngineOptions, type TestEngine } from '../harness/engine.ts';
import { payIn } from '../harness/tokens.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 3_000_000n;
/** Enough for any test token; an estimate over the pool would count on payments that are about to be voided. */
const GAS_LIMIT = 200_000n;

let engine: TestEngine;
afterEach(() => engine.stop());

interface Payment {
  requestId: string;
  recipient: string;
}

const settingsWith = (chain: object): EngineOptions => ({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, ...chain } }) });
async function start(options: EngineOptions = {}): Promise<void> {
  engine = await startEngine(options);
}
async function accept(currency = 'USDC'): Promise<Payment> {
  const recipient = Wallet.createRandom().address;
  return { requestId: await engine.accept({ currency, toAddress: recipient, amount: AMOUNT }), recipient };
}

const attemptsOf = (requestId: string) => engine.database.db.query.signedTransactions.findMany({ where: (table, { eq: is }) => is(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.id) });
const noncesOf = (requestId: string) => engine.database.db.query.nonceReservations.findMany({ where: (table, { eq: is }) => is(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.nonce) });
const fundsOf = (requestId: string) => engine.database.db.query.fundReservations.findFirst({ where: (table, { eq: is }) => is(table.requestId, requestId) });
const eventsOf = async (requestId: string) => (await engine.database.db.query.withdrawalEvents.findMany({ where: (table, { eq: is }) => is(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.id) })).map(({ type }) => type);
const received = ({ recipient }: Payment) => paidTo(engine.chain, engine.chain.tokens.TestUSDC, recipient);
const NOTHING = { total: 0n, payments: 0 };
const ONCE = { total: AMOUNT, payments: 1 };

const stopMining = () => engine.chain.rpc.call('evm_setIntervalMining', [0]);
const startMining = () => engine.chain.rpc.call('evm_setIntervalMining', [1]);
/** In the pool of the node: committed, sent, and not mined while mining stands still. */
const untilPooled = async (requestId: string) => {
  await engine.until(requestId, ['BROADCASTED']);
};

async function cancel({ requestId }: Payment): Promise<void> {
  expect(await commitCancelIntent(engine.database.db, requestId, 'all', new Date())).toMatchObject({ kind: 'intended' });
  await engine.handle(requestId).signal('cancel');
}

/** A person's call of a test token from a wallet the engine does not know; not mined by itself. */
async function callByHand(token: 'TestUSDC' | 'TestFeeToken', method: 'transfer' | 'mint', recipient: string, amount: bigint): Promise<string> {
  const provider = chainClient(engine.chain.url, engine.chain.chainId);
  try {
    const contract = new Contract(engine.chain.tokens[token], [`function ${method}(address to, uint256 amount)`], treasury(provider));
    const sent = (await contract.getFunction(method).send(recipient, amount, { gasLimit: GAS_LIMIT })) as { hash: string };
    return sent.hash;
  } finally {
    provider.destroy();
  }
}
const payByHand = (recipient: string, amount: bigint) => callByHand('TestUSDC', 'transfer', recipient, amount);
/** Minted straight to the recipient: a token that takes a fee on transfer takes none there. */
const payByHandArriving = (recipient: string, amount: bigint) => callByHand('TestFeeToken', 'mint', recipient, amount);

/** Everything about money that must not change by a repeated history. */
async function booksOf(requestId: string) {
  const { updatedAt: _, ...row } = await engine.row(requestId);
  return { row, attempts: await attemptsOf(requestId), nonces: await noncesOf(requestId), funds: await fundsOf(requestId) };
}

describe('a cancellation after signing', () => {
  it('consumes the nonce without paying when nothing was sent yet, and strands nobody', async () => {
    await start();
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const payment = await accept();
    await engine.until(payment.requestId, ['BROADCASTING']);
    const later = await accept();
    await engine.until(later.requestId, ['BROADCASTING']);
    await cancel(payment);
    await expect.poll(async () => (await attemptsOf(payment.requestId)).map(({ purpose }) => purpose), { timeout: 30_000 }).toEqual(['PAY', 'VOID']);
    engine.proxy.inject({ kind: 'pass' });
    expect(await engine.until(payment.requestId, ['CANCELLED', 'COMPLETED'])).toMatchObject({ status: 'CANCELLED', hasLivePayment: false, errorCode: 'CANCELLED_BY_REQUEST' });
    await engine.until(later.requestId, ['COMPLETED']);
    expect(await received(payment)).toEqual(NOTHING);
    expect(await received(later)).toEqual(ONCE);
    expect(await noncesOf(payment.requestId)).toMatchObject([{ nonce: 0, state: 'CONSUMED' }]);
    expect(await fundsOf(payment.requestId)).toMatchObject({ state: 'RELEASED', spentAmount: 0n });
    expect(await engine.handle(payment.requestId).result()).toBe('CANCELLED');
  });

  it('replaces what waits in the pool', async () => {
    await start();
    await stopMining();
    const payment = await accept();
    await untilPooled(payment.requestId);
    await cancel(payment);
    await expect.poll(async () => (await attemptsOf(payment.requestId)).at(-1), { timeout: 30_000 }).toMatchObject({ purpose: 'VOID', status: 'BROADCASTED' });
    await startMining();
    await engine.until(payment.requestId, ['CANCELLED']);
    expect(await received(payment)).toEqual(NOTHING);
  });

  it('loses to a payment that is mined first, and the withdrawal says so', async () => {
    await start();
    await stopMining();
    const payment = await accept();
    await untilPooled(payment.requestId);
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    await cancel(payment);
    await expect.poll(async () => (await attemptsOf(payment.requestId)).length, { timeout: 30_000 }).toBe(2);
    await startMining();
    await expect.poll(() => received(payment), { timeout: 20_000 }).toEqual(ONCE);
    engine.proxy.inject({ kind: 'pass' });
    await engine.until(payment.requestId, ['COMPLETED']);
    expect(await received(payment)).toEqual(ONCE);
    expect(await commitCancelIntent(engine.database.db, payment.requestId, 'all', new Date())).toMatchObject({ kind: 'refused', reason: 'ended' });
  });

  it('is carried out by the run that the sweeper starts after the first one was terminated', async () => {
    await start();
    await stopMining();
    const payment = await accept();
    await untilPooled(payment.requestId);
    await engine.handle(payment.requestId).terminate('by hand');
    expect(await commitCancelIntent(engine.database.db, payment.requestId, 'all', new Date(Date.now() - 60_000))).toMatchObject({ kind: 'intended' });
    await expect
      .poll(
        async () => {
          await engine.client.workflow.execute('sweep', { taskQueue: TASK_QUEUES.withdrawals, workflowId: 'sweep-by-hand' });
          return (await engine.handle(payment.requestId).describe()).status.name;
        },
        { timeout: 30_000 },
      )
      .toBe('RUNNING');
    await expect.poll(async () => (await attemptsOf(payment.requestId)).at(-1), { timeout: 30_000 }).toMatchObject({ purpose: 'VOID', status: 'BROADCASTED' });
    await startMining();
    await engine.until(payment.requestId, ['CANCELLED']);
    expect(await received(payment)).toEqual(NOTHING);
    expect(await engine.handle(payment.requestId).result()).toBe('CANCELLED');
  });

  it('that loses to a payment which arrives short leaves it to a person, whose word ends it', async () => {
    await start();
    await payIn(engine, 'USDC', 'TestFeeToken');
    await stopMining();
    const payment = await accept();
    await untilPooled(payment.requestId);
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    await cancel(payment);
    await startMining();
    await expect.poll(async () => (await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, payment.recipient)).payments, { timeout: 20_000 }).toBe(1);
    engine.proxy.inject({ kind: 'pass' });
    await engine.until(payment.requestId, ['DEAD_LETTERED']);
    const { total } = await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, payment.recipient);
    const hash = await payByHandArriving(payment.recipient, AMOUNT - total);
    await engine.handle(payment.requestId).signal('markPaid', hash);
    await engine.until(payment.requestId, ['COMPLETED']);
    expect((await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, payment.recipient)).total).toBe(AMOUNT);
  });

  it('racing fee bumps: each is paid once or not at all, and nothing that pays is signed after the wish', async () => {
    await start(settingsWith({ stuckAfterBlocks: 2 }));
    await engine.chain.rpc.call('anvil_setNextBlockBaseFeePerGas', ['0x1']);
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const payments = await Promise.all(Array.from({ length: 6 }, () => accept()));
    for (const { requestId } of payments) await engine.until(requestId, ['BROADCASTING']);
    const [first] = await attemptsOf(payments[0]?.requestId ?? '');
    await engine.chain.rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${((first?.maxFeePerGas ?? 0n) * 2n).toString(16)}`]);
    engine.proxy.inject({ kind: 'pass' });
    // The lowest nonce is the one that is bumped: cancel as soon as its replacement is there, all of them at once.
    await expect.poll(async () => (await engine.database.db.query.signedTransactions.findMany()).some(({ ordinal }) => ordinal > 0), { timeout: 60_000, interval: 20 }).toBe(true);
    await Promise.all(payments.map(async ({ requestId }) => {
      await commitCancelIntent(engine.database.db, requestId, 'all', new Date());
      await engine.handle(requestId).signal('cancel');
    }));
    for (const payment of payments) {
      const row = await engine.until(payment.requestId, ['CANCELLED', 'COMPLETED'], 110_000);
      expect(await received(payment)).toEqual(row.status === 'COMPLETED' ? ONCE : NOTHING);
      // The timeline is written under the row's lock: its order is the order of the commits.
      const events = await eventsOf(payment.requestId);
      const wished = events.indexOf('cancel-requested');
      if (wished < 0) continue;
      expect(events.slice(wished).filter((type) => type === 'signed' || type === 'replacement signed')).toEqual([]);
    }
  });

  it('is safe from a signer that slept through it', async () => {
    await start();
    const wake = Promise.withResolvers<void>();
    const asleep = Promise.withResolvers<void>();
    const { signer } = engine.ports;
    const sleepySigner: typeof signer = {
      ...signer,
      async signTransaction(request) {
        const signed = await signer.signTransaction(request);
        asleep.resolve();
        await wake.promise;
        return signed;
      },
    };
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    await stopMining();
    const payment = await accept();
    const { requestId } = payment;
    await engine.until(requestId, ['SIGNED', 'BROADCASTING']);
    const zombie = makeSign({ ...engine.ports, signer: sleepySigner })({ requestId, mode: 'replace' });
    // The newest attempt was never handed over, so there is nothing to replace: the zombie is answered with it.
    await expect(zombie).resolves.toMatchObject({ kind: 'signed' });
    engine.proxy.inject({ kind: 'pass' });
    // It waits in the pool and no block comes: nobody but the zombie thinks of replacing it.
    await untilPooled(requestId);
    const late = makeSign({ ...engine.ports, signer: sleepySigner })({ requestId, mode: 'replace' }).catch((error: unknown) => error);
    await asleep.promise;
    await cancel(payment);
    await expect.poll(async () => (await attemptsOf(requestId)).map(({ purpose }) => purpose), { timeout: 30_000 }).toEqual(['PAY', 'VOID']);
    wake.resolve();
    await late;
    expect((await attemptsOf(requestId)).map(({ purpose }) => purpose)).toEqual(['PAY', 'VOID']);
    await startMining();
    await engine.until(requestId, ['CANCELLED']);
    expect(await received(payment)).toEqual(NOTHING);
  });
});

describe('paid by hand', () => {
  it('while our nonce is pending: ours is voided, then the payment by hand is believed', async () => {
    await start();
    await stopMining();
    const payment = await accept();
    await untilPooled(payment.requestId);
    const hash = await payByHand(payment.recipient, AMOUNT);
    await engine.handle(payment.requestId).signal('markPaid', hash);
    await expect.poll(async () => (await attemptsOf(payment.requestId)).at(-1), { timeout: 30_000 }).toMatchObject({ purpose: 'VOID', status: 'BROADCASTED' });
    await startMining();
    expect(await engine.until(payment.requestId, ['COMPLETED'])).toMatchObject({ paidTxHash: hash, txHash: hash, hasLivePayment: false });
    expect(await received(payment)).toEqual(ONCE);
    expect(await fundsOf(payment.requestId)).toMatchObject({ state: 'RELEASED', spentAmount: 0n });
    expect(await eventsOf(payment.requestId)).toContain('paid by hand');
    const later = await accept();
    await engine.until(later.requestId, ['COMPLETED']);
  });

  it('outweighs a cancellation that comes after it, and is asked for until it is final', async () => {
    await start();
    await stopMining();
    const payment = await accept();
    await untilPooled(payment.requestId);
    const hash = await payByHand(payment.recipient, AMOUNT);
    await engine.handle(payment.requestId).signal('markPaid', hash);
    await engine.until(payment.requestId, ['DEAD_LETTERED']);
    expect(await commitCancelIntent(engine.database.db, payment.requestId, 'all', new Date())).toMatchObject({ kind: 'refused', reason: 'paid-by-hand' });
    await engine.handle(payment.requestId).signal('cancel');
    await expect.poll(async () => (await attemptsOf(payment.requestId)).at(-1), { timeout: 30_000 }).toMatchObject({ purpose: 'VOID', status: 'BROADCASTED' });
    await startMining();
    await engine.until(payment.requestId, ['COMPLETED']);
    expect(await received(payment)).toEqual(ONCE);
  });

  it('is ignored when it names no transaction', async () => {
    await start();
    await stopMining();
    const payment = await accept();
    await untilPooled(payment.requestId);
    await engine.handle(payment.requestId).signal('markPaid');
    await engine.handle(payment.requestId).signal('markPaid', 'yes');
    await startMining();
    await engine.until(payment.requestId, ['COMPLETED']);
    expect(await received(payment)).toEqual(ONCE);
    expect(await attemptsOf(payment.requestId)).toHaveLength(1);
  });

  it('and by the engine, whose payment was mined first: completed by it, and a person is called', async () => {
    await start();
    await stopMining();
    const payment = await accept();
    await untilPooled(payment.requestId);
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const hash = await payByHand(payment.recipient, AMOUNT);
    await engine.handle(payment.requestId).signal('markPaid', hash);
    await expect.poll(async () => (await attemptsOf(payment.requestId)).length, { timeout: 30_000 }).toBe(2);
    await startMining();
    await expect.poll(() => received(payment), { timeout: 20_000 }).toEqual({ total: 2n * AMOUNT, payments: 2 });
    engine.proxy.inject({ kind: 'pass' });
    const row = await engine.until(payment.requestId, ['COMPLETED']);
    expect(row.paidTxHash).not.toBe(hash);
    expect(await engine.handle(payment.requestId).result()).toBe('COMPLETED');
    expect(await listOpenAlerts(engine.database.db, payment.requestId)).toMatchObject([{ kind: 'DOUBLE_PAYMENT' }]);
  });

  it('is not believed without the chain: another amount, another recipient, our own transaction, one used before', async () => {
    await start();
    const wallet = await engine.database.db.query.wallets.findFirst();
    const key = await engine.hideKey(wallet?.keyId ?? '');
    const payment = await accept();
    await engine.until(payment.requestId, ['DEAD_LETTERED']);
    await key.restore();
    const { paidTxHash } = await engine.until((await accept()).requestId, ['COMPLETED']);
    const claims = [
      [paidTxHash ?? '', 'ours'],
      [await payByHand(payment.recipient, AMOUNT - 1n), 'other-amount'],
      [await payByHand(Wallet.createRandom().address, AMOUNT), 'other-amount'],
    ] as const;
    // All of them final before they are claimed.
    await engine.chain.rpc.call('anvil_mine', ['0x5']);
    const reasonsOf = async () =>
      (await engine.database.db.query.withdrawalEvents.findMany({ where: (table, { and, eq: is }) => and(is(table.requestId, payment.requestId), is(table.type, 'mark-paid not believed')), orderBy: (table, { asc }) => asc(table.id) })).map(({ detail }) => detail['reason']);
    for (const [index, [hash]] of claims.entries()) {
      await engine.handle(payment.requestId).signal('markPaid', hash);
      await expect.poll(reasonsOf, { timeout: 20_000 }).toHaveLength(index + 1);
    }
    expect(await reasonsOf()).toEqual(claims.map(([, reason]) => reason));
    expect((await engine.row(payment.requestId)).status).toBe('DEAD_LETTERED');
    await engine.handle(payment.requestId).signal('retry');
    await engine.until(payment.requestId, ['COMPLETED']);
    expect(await received(payment)).toEqual({ total: AMOUNT + AMOUNT - 1n, payments: 2 });
  });

  it('ends a payment that arrived short once a person has paid the rest', async () => {
    await start();
    await payIn(engine, 'USDC', 'TestFeeToken');
    const payment = await accept();
    await engine.until(payment.requestId, ['DEAD_LETTERED']);
    const { total } = await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, payment.recipient);
    // The rest is paid in the same token, whose fee is a hundredth: what arrives is what counts.
    const rest = AMOUNT - total;
    const hash = await payByHandArriving(payment.recipient, rest);
    await engine.chain.rpc.call('anvil_mine', ['0x5']);
    await engine.handle(payment.requestId).signal('markPaid', hash);
    expect(await engine.until(payment.requestId, ['COMPLETED'])).toMatchObject({ paidTxHash: hash });
    expect((await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, payment.recipient)).total).toBe(AMOUNT);
  });
});

describe('a reset', () => {
  /** Resets the run at each of its completed workflow tasks, one after the other, each to its end. */
  async function resetEverywhere(payment: Payment): Promise<number> {
    const { requestId } = payment;
    const handle = engine.handle(requestId);
    const end = (await handle.result()) as string;
    const before = await booksOf(requestId);
    const paid = await received(payment);
    const { runId } = await handle.describe();
    const { events } = await handle.fetchHistory();
    const tasks = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes).map(({ eventId }) => eventId ?? null);
    for (const workflowTaskFinishEventId of tasks) {
      const last = (await handle.describe()).runId;
      await engine.client.workflowService.resetWorkflowExecution({
        namespace: engine.client.options.namespace,
        workflowExecution: { workflowId: workflowIdOf(requestId), runId },
        reason: 'by hand',
        requestId: `reset-${String(workflowTaskFinishEventId)}`,
        workflowTaskFinishEventId,
      });
      await expect.poll(async () => (await handle.describe()).runId, { timeout: 10_000 }).not.toBe(last);
      expect(await handle.result()).toBe(end);
    }
    expect(await booksOf(requestId)).toEqual(before);
    expect(await received(payment)).toEqual(paid);
    return tasks.length;
  }

  it('at every event of a completed history pays nothing again', { timeout: 240_000 }, async () => {
    await start();
    const payment = await accept();
    await engine.until(payment.requestId, ['COMPLETED']);
    expect(await received(payment)).toEqual(ONCE);
    expect(await resetEverywhere(payment)).toBeGreaterThan(4);
  });

  it('at every event of a history that was cancelled on chain pays nothing', { timeout: 240_000 }, async () => {
    await start();
    await stopMining();
    const payment = await accept();
    await untilPooled(payment.requestId);
    await cancel(payment);
    await expect.poll(async () => (await attemptsOf(payment.requestId)).at(-1), { timeout: 30_000 }).toMatchObject({ purpose: 'VOID', status: 'BROADCASTED' });
    await startMining();
    await engine.until(payment.requestId, ['CANCELLED']);
    expect(await resetEverywhere(payment)).toBeGreaterThan(4);
    expect(await received(payment)).toEqual(NOTHING);
  });

  it('at every event of a history that was parked and retried pays once', { timeout: 240_000 }, async () => {
    await start();
    const wallet = await engine.database.db.query.wallets.findFirst();
    const key = await engine.hideKey(wallet?.keyId ?? '');
    const payment = await accept();
    await engine.until(payment.requestId, ['DEAD_LETTERED']);
    await key.restore();
    await engine.handle(payment.requestId).signal('retry');
    await engine.until(payment.requestId, ['COMPLETED']);
    expect(await resetEverywhere(payment)).toBeGreaterThan(6);
    expect(await received(payment)).toEqual(ONCE);
  });

  it('of a payment that is under way goes on with the same bytes', async () => {
    await start();
    await stopMining();
    const payment = await accept();
    await untilPooled(payment.requestId);
    const { runId } = await engine.handle(payment.requestId).describe();
    const { events } = await engine.handle(payment.requestId).fetchHistory();
    const first = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId ?? null;
    await engine.client.workflowService.resetWorkflowExecution({ namespace: engine.client.options.namespace, workflowExecution: { workflowId: workflowIdOf(payment.requestId), runId }, reason: 'by hand', requestId: 'reset-once', workflowTaskFinishEventId: first });
    await startMining();
    await engine.until(payment.requestId, ['COMPLETED']);
    expect(await received(payment)).toEqual(ONCE);
    expect(await attemptsOf(payment.requestId)).toHaveLength(1);
  });
});

describe('a row changed by hand', () => {
  it('into a status that looks unpaid pays nothing again: the nonce and its bytes decide', async () => {
    await start();
    const payment = await accept();
    await engine.until(payment.requestId, ['COMPLETED']);
    await engine.handle(payment.requestId).result();
    await engine.database.db.update(withdrawalRequests).set({ status: 'SIGNING', hasLivePayment: false }).where(eq(withdrawalRequests.requestId, payment.requestId));
    await expect(makeSign(engine.ports)({ requestId: payment.requestId, mode: 'pay' })).rejects.toMatchObject({ type: 'PAYMENT_MISMATCH' });
    expect(await received(payment)).toEqual(ONCE);
  });
});
