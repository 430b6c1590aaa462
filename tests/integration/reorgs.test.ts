import { Wallet } from 'ethers';
import { afterEach, describe, expect, it } from 'vitest';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { getWallet } from '../../db/repositories/wallets/wallets.ts';
import { startEngine, type EngineOptions, type TestEngine } from '../harness/engine.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 3_000_000n;
const WAIT = { timeout: 30_000, interval: 50 };

let engine: TestEngine;
afterEach(() => engine.stop());

interface Payment {
  requestId: string;
  recipient: string;
}

/** An engine over a chain that makes a block only when told to, polled twenty times a second. */
async function start(chain: object, options: EngineOptions = {}): Promise<void> {
  engine = await startEngine({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, blockTimeMs: 200, ...chain } }), ...options });
  await engine.chain.rpc.call('evm_setIntervalMining', [0]);
}

async function accept(): Promise<Payment> {
  const recipient = Wallet.createRandom().address;
  return { requestId: await engine.accept({ currency: 'USDC', toAddress: recipient, amount: AMOUNT }), recipient };
}

async function mine(blocks = 1): Promise<void> {
  await engine.chain.rpc.call('anvil_mine', [`0x${blocks.toString(16)}`]);
}

const head = async () => Number(await engine.chain.rpc.call<string>('eth_blockNumber', []));
const attemptsOf = (requestId: string) => engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, requestId) });
const viewOf = (requestId: string) => engine.database.db.query.transactions.findFirst({ where: (table, { eq }) => eq(table.requestId, requestId) });
const eventsOf = async (requestId: string) => (await engine.database.db.query.withdrawalEvents.findMany({ where: (table, { eq }) => eq(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.id) })).map(({ type }) => type);
const received = ({ recipient }: Payment) => paidTo(engine.chain, engine.chain.tokens.TestUSDC, recipient);

async function expectPaidOnce(payment: Payment): Promise<void> {
  await engine.until(payment.requestId, ['COMPLETED']);
  expect(await received(payment)).toEqual({ total: AMOUNT, payments: 1 });
}

/** A payment in the newest block, seen there and not final. */
async function minedPayment(): Promise<Payment> {
  const payment = await accept();
  await engine.until(payment.requestId, ['BROADCASTED']);
  await mine();
  await engine.until(payment.requestId, ['CONFIRMING']);
  return payment;
}

async function paidAndFinal(blocks: number): Promise<Payment> {
  const payment = await minedPayment();
  await mine(blocks);
  await expectPaidOnce(payment);
  return payment;
}

describe('a reorg above the final point', () => {
  it.each([
    [1, 12],
    [10, 12],
    [100, 128],
  ])('of depth %i reopens the withdrawal, sends the same bytes again, and pays once', async (depth, finalityDepth) => {
    await start({ finality: { mode: 'depth', depth: finalityDepth } });
    await mine(depth);
    const payment = await minedPayment();
    if (depth > 1) await mine(depth - 1);
    const [before] = await attemptsOf(payment.requestId);
    await engine.chain.rpc.call('anvil_reorg', [depth, []]);
    await expect.poll(() => eventsOf(payment.requestId), WAIT).toContain('unconfirmed by reorg');
    // The same bytes, handed over a second time.
    await expect.poll(async () => (await attemptsOf(payment.requestId)).map(({ txHash, retryCount }) => ({ txHash, retryCount })), WAIT).toEqual([{ txHash: before?.txHash, retryCount: 1 }]);
    expect(await received(payment)).toEqual({ total: 0n, payments: 0 });
    await mine();
    await engine.until(payment.requestId, ['CONFIRMING']);
    await mine(finalityDepth);
    await expectPaidOnce(payment);
    expect(await attemptsOf(payment.requestId)).toMatchObject([{ txHash: before?.txHash, status: 'CONFIRMED' }]);
    expect((await eventsOf(payment.requestId)).filter((type) => type === 'unconfirmed by reorg')).toHaveLength(1);
  });

  it('that puts the payment into another block is followed there, and pays once', async () => {
    await start({ finality: { mode: 'depth', depth: 12 } });
    await mine(10);
    const payment = await minedPayment();
    await mine(4);
    const [attempt] = await attemptsOf(payment.requestId);
    const before = await viewOf(payment.requestId);
    await engine.chain.rpc.call('anvil_reorg', [5, [[attempt?.rawTransaction, 3]]]);
    await expect.poll(() => eventsOf(payment.requestId), WAIT).toContain('unconfirmed by reorg');
    await expect.poll(async () => (await viewOf(payment.requestId))?.blockNumber, WAIT).toBe((before?.blockNumber ?? 0) + 3);
    await mine(12);
    await expectPaidOnce(payment);
    expect(await attemptsOf(payment.requestId)).toMatchObject([{ txHash: attempt?.txHash, status: 'CONFIRMED' }]);
  });
});

describe('a reorg past the final point', () => {
  it('halts the wallet, calls a person, pays nobody again, and lets the other wallet go on', async () => {
    const DEPTH = 3;
    await start({ finality: { mode: 'depth', depth: DEPTH } }, { wallets: 2 });
    const { db } = engine.database;
    await mine(10);
    const payment = await paidAndFinal(DEPTH);
    const { walletAddress } = await engine.row(payment.requestId);
    const other = engine.wallets.find((wallet) => wallet !== walletAddress);
    if (!walletAddress || !other) throw new Error('two wallets were expected');
    const view = await viewOf(payment.requestId);
    await engine.chain.rpc.call('anvil_reorg', [(await head()) - (view?.blockNumber ?? 0) + 1, []]);

    await expect.poll(async () => (await getWallet(db, engine.chain.chainId, walletAddress)).status, WAIT).toBe('HALTED');
    await expect.poll(() => eventsOf(payment.requestId), WAIT).toContain('finality undone');
    expect((await getWallet(db, engine.chain.chainId, walletAddress)).statusReason).toContain('FINALITY_UNDONE');
    expect(await listOpenAlerts(db, walletAddress)).toMatchObject([{ kind: 'FINALITY_UNDONE', detail: { requestId: payment.requestId, txHash: view?.txHash } }]);
    expect(await getWallet(db, engine.chain.chainId, other)).toMatchObject({ status: 'ACTIVE' });

    const later = await minedPayment();
    await mine(DEPTH + 5);
    await expectPaidOnce(later);
    expect((await engine.row(later.requestId)).walletAddress).toBe(other);
    // Nothing leaves its end, and nothing was sent again.
    expect(await engine.row(payment.requestId)).toMatchObject({ status: 'COMPLETED', paidTxHash: view?.txHash });
    expect(await received(payment)).toEqual({ total: 0n, payments: 0 });
    expect(await attemptsOf(payment.requestId)).toMatchObject([{ retryCount: 0 }]);
    expect((await eventsOf(payment.requestId)).filter((type) => type === 'finality undone')).toHaveLength(1);
  });
});

describe('a chain that stands still', () => {
  it('in its finality keeps withdrawals waiting while blocks go on, and completes them afterwards', async () => {
    await start({});
    await mine(3);
    const frozen = await engine.chain.rpc.call('eth_getBlockByNumber', ['finalized', false]);
    engine.proxy.inject({ kind: 'rewrite', change: (result, { params }) => (params[0] === 'finalized' ? frozen : result) }, ['eth_getBlockByNumber']);
    const payments: Payment[] = [];
    for (let count = 0; count < 3; count += 1) {
      payments.push(await minedPayment());
      await mine(20);
    }
    for (const { requestId } of payments) expect((await engine.row(requestId)).status).toBe('CONFIRMING');
    engine.proxy.inject({ kind: 'pass' });
    for (const payment of payments) await expectPaidOnce(payment);
    for (const { requestId } of payments) expect(await attemptsOf(requestId)).toMatchObject([{ ordinal: 0, retryCount: 0 }]);
  });

  it('altogether fails nothing, sends nothing twice and asks for little, and completes when it goes on', async () => {
    await start({ stuckAfterBlocks: 3 });
    const payments = await Promise.all(Array.from({ length: 5 }, accept));
    for (const { requestId } of payments) await engine.until(requestId, ['BROADCASTED']);
    const polls = () => engine.proxy.calls.get('eth_getBlockByNumber') ?? 0;
    // What the last broadcasts still ask is behind us once the follower has looked at the chain a few times.
    const settled = polls() + 20;
    await expect.poll(polls, WAIT).toBeGreaterThan(settled);
    engine.proxy.calls.clear();
    await expect.poll(polls, WAIT).toBeGreaterThan(100);
    const calls = Object.fromEntries(engine.proxy.calls);
    console.log('RPC calls of a halted chain with 5 waiting:', calls);
    expect(Object.keys(calls)).toEqual(['eth_getBlockByNumber']);
    for (const { requestId } of payments) {
      expect((await engine.row(requestId)).status).toBe('BROADCASTED');
      expect(await attemptsOf(requestId)).toMatchObject([{ ordinal: 0, retryCount: 0 }]);
    }
    await mine(5);
    for (const payment of payments) await expectPaidOnce(payment);
  });
});
