import { Wallet } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { sendFromHotWallet } from '../harness/foreign-transaction.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 2_500_000n;

async function timelineOf(engine: TestEngine, requestId: string): Promise<string[]> {
  const events = await engine.database.db.query.withdrawalEvents.findMany({ where: (table, { eq }) => eq(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.id) });
  return events.map(({ type }) => type);
}

async function reservationsOf(engine: TestEngine, requestId: string) {
  return engine.database.db.query.nonceReservations.findMany({ where: (table, { eq }) => eq(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.nonce) });
}

describe('nonce conflict', () => {
  let engine: TestEngine;
  beforeEach(async () => {
    engine = await startEngine();
  });
  afterEach(() => engine.stop());

  it('passes over a nonce a stranger used before anything was signed', async () => {
    const foreign = await sendFromHotWallet(engine, { nonce: 0 });
    await foreign.mined();
    const recipient = Wallet.createRandom().address;
    const requestId = await engine.accept({ currency: 'USDC', toAddress: recipient, amount: AMOUNT });
    const row = await engine.until(requestId, ['COMPLETED']);
    expect(await paidTo(engine.chain, row.tokenAddress, recipient)).toEqual({ total: AMOUNT, payments: 1 });
    expect(await reservationsOf(engine, requestId)).toMatchObject([{ nonce: 1, state: 'CONSUMED' }]);
  });

  it('notices that a stranger took the nonce of signed bytes, proves it, takes a new one, and pays once', async () => {
    // Our bytes are committed but reach no node: meanwhile a foreign transaction of the same wallet takes the nonce.
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const recipient = Wallet.createRandom().address;
    const requestId = await engine.accept({ currency: 'USDC', toAddress: recipient, amount: AMOUNT });
    await engine.until(requestId, ['BROADCASTING']);
    const foreign = await sendFromHotWallet(engine, { nonce: 0 });
    await foreign.mined();
    engine.proxy.inject({ kind: 'pass' });

    const row = await engine.until(requestId, ['COMPLETED']);
    expect(await paidTo(engine.chain, row.tokenAddress, recipient)).toEqual({ total: AMOUNT, payments: 1 });
    expect(await timelineOf(engine, requestId)).toContain('nonce lost to a foreign transaction');
    expect(await reservationsOf(engine, requestId)).toMatchObject([
      { nonce: 0, state: 'FOREIGN', consumedBy: null },
      { nonce: 1, state: 'CONSUMED', consumedBy: row.txHash },
    ]);
    const lost = await engine.database.db.query.withdrawalEvents.findFirst({ where: (table, { and, eq }) => and(eq(table.requestId, requestId), eq(table.type, 'nonce lost to a foreign transaction')) });
    expect(lost?.detail).toMatchObject({ foreignTxHash: foreign.txHash, nonce: 0 });

    // Resynced: the next withdrawal simply goes on.
    const next = await engine.accept({ currency: 'USDT', toAddress: Wallet.createRandom().address, amount: AMOUNT });
    await engine.until(next, ['COMPLETED']);
    expect(await reservationsOf(engine, next)).toMatchObject([{ nonce: 2, state: 'CONSUMED' }]);
  });
});

describe('RPC failure', () => {
  let engine: TestEngine;
  beforeEach(async () => {
    engine = await startEngine();
  });
  afterEach(() => engine.stop());

  async function accept(count: number) {
    const recipients = Array.from({ length: count }, () => Wallet.createRandom().address);
    const requestIds = await Promise.all(recipients.map((toAddress) => engine.accept({ currency: 'USDC', toAddress, amount: AMOUNT })));
    return recipients.map((recipient, index) => ({ recipient, requestId: requestIds[index] ?? '' }));
  }

  async function expectPaidOnce(payments: { recipient: string; requestId: string }[]): Promise<void> {
    for (const { recipient, requestId } of payments) {
      const row = await engine.until(requestId, ['COMPLETED']);
      expect(await paidTo(engine.chain, row.tokenAddress, recipient)).toEqual({ total: AMOUNT, payments: 1 });
    }
  }

  it('waits while the node is down, and completes', async () => {
    engine.proxy.inject({ kind: 'refuse' });
    const payments = await accept(3);
    await callsReach(engine, 12);
    expect((await engine.row(payments[0]?.requestId ?? '')).status).toBe('PENDING');
    engine.proxy.inject({ kind: 'pass' });
    await expectPaidOnce(payments);
  });

  it('completes through a node that is slow', async () => {
    engine.proxy.inject({ kind: 'delay', ms: 700 });
    await expectPaidOnce(await accept(2));
  });

  it('waits while the node answers every call with an error, and completes', async () => {
    engine.proxy.inject({ kind: 'error', message: 'service unavailable' });
    const payments = await accept(2);
    await callsReach(engine, 12);
    engine.proxy.inject({ kind: 'pass' });
    await expectPaidOnce(payments);
  });

  it('pays once when the answer to the send is lost', async () => {
    engine.proxy.inject({ kind: 'drop-answer' }, ['eth_sendRawTransaction']);
    await expectPaidOnce(await accept(3));
    expect(engine.proxy.calls.get('eth_sendRawTransaction')).toBeGreaterThanOrEqual(3);
  });
});

describe('retries exhausted', () => {
  let engine: TestEngine;
  beforeEach(async () => {
    engine = await startEngine();
  });
  afterEach(() => engine.stop());

  it('parks a withdrawal whose key is gone: visible, nothing paid, its nonce free, and pays after a retry', async () => {
    const wallet = await engine.database.db.query.wallets.findFirst();
    const key = await engine.hideKey(wallet?.keyId ?? '');
    const recipient = Wallet.createRandom().address;
    const requestId = await engine.accept({ currency: 'USDC', toAddress: recipient, amount: AMOUNT });
    const parked = await engine.until(requestId, ['DEAD_LETTERED']);
    expect(parked).toMatchObject({ errorCode: 'KEY_INVALID', hasLivePayment: false });
    expect(await paidTo(engine.chain, parked.tokenAddress, recipient)).toEqual({ total: 0n, payments: 0 });
    const freed = await engine.database.db.query.nonceReservations.findMany();
    expect(freed).toMatchObject([{ nonce: 0, state: 'FREED', liveRequestId: null }]);
    await expect.poll(() => engine.searchAttributesOf(requestId), { timeout: 10_000 }).toMatchObject({ WithdrawalStatus: 'DEAD_LETTERED', DeadLetterClass: 'unknown' });

    await key.restore();
    await engine.handle(requestId).signal('retry');
    const row = await engine.until(requestId, ['COMPLETED']);
    expect(await paidTo(engine.chain, row.tokenAddress, recipient)).toEqual({ total: AMOUNT, payments: 1 });
    expect(await reservationsOf(engine, requestId)).toMatchObject([{ nonce: 0, state: 'CONSUMED' }]);
  });

  it('parks a withdrawal the node refuses for good: its nonce is consumed by a transaction that pays nothing, later ones go on', async () => {
    const recipient = Wallet.createRandom().address;
    engine.proxy.inject({ kind: 'error', message: 'blocked by a policy nobody has documented' }, ['eth_sendRawTransaction']);
    const requestId = await engine.accept({ currency: 'USDC', toAddress: recipient, amount: AMOUNT });
    const parked = await engine.until(requestId, ['DEAD_LETTERED']);
    expect(parked.errorCode).toBe('SEND_REJECTED');
    engine.proxy.inject({ kind: 'pass' });
    const other = await engine.accept({ currency: 'USDT', toAddress: Wallet.createRandom().address, amount: AMOUNT });
    await engine.until(other, ['COMPLETED']);

    await expect.poll(async () => (await engine.row(requestId)).hasLivePayment, { timeout: 60_000 }).toBe(false);
    expect(await paidTo(engine.chain, parked.tokenAddress, recipient)).toEqual({ total: 0n, payments: 0 });
    expect(await reservationsOf(engine, requestId)).toMatchObject([{ nonce: 0, state: 'CONSUMED' }]);
    expect((await engine.row(requestId)).status).toBe('DEAD_LETTERED');

    await engine.handle(requestId).signal('retry');
    const row = await engine.until(requestId, ['COMPLETED']);
    expect(await paidTo(engine.chain, row.tokenAddress, recipient)).toEqual({ total: AMOUNT, payments: 1 });
    expect(await reservationsOf(engine, requestId)).toMatchObject([
      { nonce: 0, state: 'CONSUMED' },
      { nonce: 2, state: 'CONSUMED' },
    ]);
  });
});

/** Resolves once the engine has made `more` further calls to the chain, whatever they met. */
async function callsReach(engine: TestEngine, more: number): Promise<void> {
  const seen = () => [...engine.proxy.calls.values()].reduce((sum, count) => sum + count, 0);
  const target = seen() + more;
  await expect.poll(seen, { timeout: 30_000 }).toBeGreaterThanOrEqual(target);
}
