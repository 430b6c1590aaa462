import { ApplicationFailure } from '@temporalio/common';
import { Wallet } from 'ethers';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeCloseUnpaid } from '../../activities/close-unpaid.ts';
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts';
import { readFrontCounter } from '../../activities/guardian/front-counter.ts';
import { makeReserveFunds } from '../../activities/reserve-funds.ts';
import { takeNonce } from '../../activities/take-nonce.ts';
import type { Address } from '../../domain/address.ts';
import { isFillerId } from '../../domain/guardian.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { paidTo } from '../harness/transfers.ts';
import { testRedisUrl } from '../harness/redis.ts';

const WITHDRAWALS = 60;
const AMOUNT = 1_250_000n;
/** small, so that nonces are taken all through the test and not in one go */
const WINDOW = 12;
const WAIT = { timeout: 60_000, interval: 100 };

interface Payment {
  requestId: string;
  recipient: string;
}

let engine: TestEngine;
let redisProxy: TcpProxy;
/** the same Redis, past the proxy */
let redis: Redis;
beforeEach(async () => {
  const real = new URL(testRedisUrl());
  redisProxy = await startTcpProxy(Number(real.port));
  const proxied = new URL(real);
  proxied.port = String(redisProxy.port);
  engine = await startEngine({
    wallets: 2,
    guardians: true,
    redisUrl: proxied.href,
    settings: (settings) => ({ ...settings, chain: { ...settings.chain, inFlightWindow: WINDOW, guardian: { ...settings.chain.guardian, everyMs: 500 } } }),
  });
  redis = engine.redis;
});
afterEach(async () => {
  await engine.stop();
  await redisProxy.stop();
});

async function accept(currency: string): Promise<Payment> {
  const recipient = Wallet.createRandom().address;
  return { requestId: await engine.accept({ currency, toAddress: recipient, amount: AMOUNT }), recipient };
}
const acceptMany = (count: number) => Promise.all(Array.from({ length: count }, (_, index) => accept(index % 2 === 0 ? 'USDC' : 'USDT')));

/** Tries again while a part does not answer in time, as the server does for the workflow. */
async function untilAvailable<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await run();
    } catch (error) {
      if (tries >= 10 || !(error instanceof ApplicationFailure) || error.nonRetryable) throw error;
    }
  }
}

/** A withdrawal that takes a nonce and gives it back unsigned, as one does that is cancelled in between. */
async function takeAndGiveBack(): Promise<void> {
  const requestId = await engine.accept({ currency: 'USDC', toAddress: Wallet.createRandom().address, amount: AMOUNT, started: false });
  const funds = await untilAvailable(() => makeReserveFunds(engine.ports)({ requestId }));
  if (funds.kind !== 'reserved') throw new Error('no funds');
  // A full window refuses; then there is nothing to give back.
  await takeNonce(engine.ports, { requestId, chainId: engine.chain.chainId, walletAddress: funds.walletAddress as Address, window: WINDOW }).catch(() => null);
  await untilAvailable(() => makeCloseUnpaid(engine.ports)({ requestId, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' }));
}

const reservations = () => engine.database.db.query.nonceReservations.findMany({ orderBy: (table, { asc }) => asc(table.nonce) });
/** how many withdrawals have been given a nonce */
const progress = async () => (await reservations()).filter(({ requestId }) => requestId !== null && !isFillerId(requestId)).length;

/**
 * Pays sixty withdrawals while `trouble` is made each time another eight of them have their nonces, and others take nonces
 * and give them back.
 */
async function payThrough(trouble: (turn: number) => Promise<void>): Promise<Payment[]> {
  const payments = await acceptMany(WITHDRAWALS / 2);
  for (let turn = 0; turn < 6; turn += 1) {
    await expect.poll(progress, WAIT).toBeGreaterThanOrEqual(8 * (turn + 1));
    await Promise.all([trouble(turn), takeAndGiveBack()]);
    if (turn === 1) payments.push(...(await acceptMany(WITHDRAWALS / 2)));
  }
  for (const { requestId } of payments) await engine.until(requestId, ['COMPLETED'], 150_000);
  return payments;
}

/** Every rule of a nonce's life, over the real database and the real chain. */
async function expectCleanLife(payments: readonly Payment[]): Promise<void> {
  for (const { requestId, recipient } of payments) {
    const { tokenAddress } = await engine.row(requestId);
    expect(await paidTo(engine.chain, tokenAddress, recipient)).toEqual({ total: AMOUNT, payments: 1 });
  }
  // What was given back last is the next one's, or was filled: at rest nothing is in between.
  await expect.poll(async () => (await reservations()).filter(({ state }) => state !== 'CONSUMED' && state !== 'FREED'), WAIT).toEqual([]);
  const rows = await reservations();
  expect(new Set(rows.map(({ walletAddress, nonce }) => `${walletAddress} ${nonce}`)).size).toBe(rows.length);
  for (const payment of payments) expect(rows.filter(({ requestId }) => requestId === payment.requestId)).toHaveLength(1);
  const attempts = await engine.database.db.query.signedTransactions.findMany();
  const holders = new Map<string, string>();
  for (const { from, nonce, requestId } of attempts) expect(holders.set(`${from} ${nonce}`, holders.get(`${from} ${nonce}`) ?? requestId).get(`${from} ${nonce}`)).toBe(requestId);

  for (const address of engine.wallets) {
    const own = rows.filter(({ walletAddress }) => walletAddress === address);
    const used = own.filter(({ state }) => state === 'CONSUMED');
    expect(own.map(({ nonce }) => nonce)).toEqual(own.map((_, index) => index));
    expect(used.map(({ nonce }) => nonce)).toEqual(used.map((_, index) => index));
    expect(used.length).toBeGreaterThan(WINDOW);
    const counted = await Promise.all(['latest', 'pending'].map((block) => engine.chain.rpc.call<string>('eth_getTransactionCount', [address, block])));
    expect(counted.map(Number)).toEqual([used.length, used.length]);
    const wallet = await engine.database.db.query.wallets.findFirst({ where: (table, { eq }) => eq(table.address, address as Address) });
    expect(wallet).toMatchObject({ status: 'ACTIVE', nextNonce: own.length });
    // Redis, whatever it went through, says what MySQL says, or nothing.
    await expect.poll(async () => [null, own.length].includes(await readFrontCounter(redis, engine.chain.chainId, address)), WAIT).toBe(true);
  }
}

const keysOfNonces = () => redis.keys('nonce:*');

describe('under load', () => {
  it('Redis emptied again and again: no nonce twice, no gap, everything paid once', { timeout: 300_000 }, async () => {
    let emptied = 0;
    const payments = await payThrough(async () => {
      emptied += (await keysOfNonces()).length > 0 ? 1 : 0;
      await redis.flushdb();
    });
    expect(emptied).toBeGreaterThan(3);
    await expectCleanLife(payments);
  });

  it('Redis rolled back to an old snapshot again and again: no nonce twice, no gap, everything paid once', { timeout: 300_000 }, async () => {
    const snapshot = new Map<string, Buffer>();
    let rolledBack = 0;
    const payments = await payThrough(async (turn) => {
      if (turn === 0) {
        for (const key of await keysOfNonces()) snapshot.set(key, await redis.dumpBuffer(key));
        return;
      }
      const [next = ''] = [...snapshot.keys()].filter((key) => key.endsWith(':next'));
      const before = Number(await redis.get(next));
      for (const key of await keysOfNonces()) if (!snapshot.has(key)) await redis.del(key);
      for (const [key, value] of snapshot) await redis.restore(key, 0, value, 'REPLACE');
      if (Number(await redis.get(next)) < before) rolledBack += 1;
    });
    expect(snapshot.size).toBeGreaterThan(1);
    expect(rolledBack).toBeGreaterThan(2);
    await expectCleanLife(payments);
  });

  it('Redis unreachable, back, and unreachable: MySQL gives nonces alone, no nonce twice, no gap, everything paid once', { timeout: 300_000 }, async () => {
    const payments = await payThrough((turn) => {
      if (turn % 3 === 0) redisProxy.inject({ kind: 'cut' });
      if (turn % 3 === 2) redisProxy.inject({ kind: 'pass' });
      return Promise.resolve();
    });
    redisProxy.inject({ kind: 'pass' });
    await expectCleanLife(payments);
  });
});
