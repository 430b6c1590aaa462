import { eq } from 'drizzle-orm';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { nonceReservations, withdrawalRequests } from '../db/schema/index.ts';
import { setNextNonce } from '../db/repositories/wallets/wallets.ts';
import { transact } from '../db/transact.ts';
import { interrupted, startBench, type Bench } from './activities.testkit.ts';
import { createNonceFront } from './nonce-front.ts';
import { takeNonce, type TakeNoncePorts } from './take-nonce.ts';
import { testRedisUrl } from '../tests/harness/redis.ts';

const AT_ONCE = 40;

describe('taking nonces', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, inFlightWindow: 100 } }) });
  });
  afterAll(() => bench.engine.stop());
  beforeEach(async () => {
    await bench.ports.db.delete(nonceReservations);
    await transact(bench.ports.db, (tx) => setNextNonce(tx, bench.engine.chain.chainId, bench.wallet, 0));
    await bench.engine.redis.flushdb();
  });

  const requests = (count: number) => Promise.all(Array.from({ length: count }, () => bench.accept()));
  const take = (requestId: string, window = 100, ports: TakeNoncePorts = bench.ports) => takeNonce(ports, { requestId, chainId: bench.engine.chain.chainId, walletAddress: bench.wallet, window });
  const range = (count: number) => Array.from({ length: count }, (_, index) => index);
  async function expectSequence(given: { nonce: number }[]): Promise<void> {
    expect(given.map(({ nonce }) => nonce).toSorted((left, right) => left - right)).toEqual(range(given.length));
    const rows = await bench.nonces();
    expect(rows.map(({ nonce }) => nonce)).toEqual(range(given.length));
    expect(rows.every(({ requestId, liveRequestId, state }) => requestId === liveRequestId && state === 'RESERVED')).toBe(true);
  }

  it('gives 40 requests at once 40 nonces without a gap, and each the same again', async () => {
    const ids = await requests(AT_ONCE);
    const given = await Promise.all(ids.map((id) => take(id)));
    await expectSequence(given);
    const again = await Promise.all(ids.map((id) => take(id)));
    expect(again.map(({ nonce }) => nonce)).toEqual(given.map(({ nonce }) => nonce));
    expect(await bench.nonces()).toHaveLength(AT_ONCE);
  });

  it('gives one request that asks ten times at once one nonce', async () => {
    const [id = ''] = await requests(1);
    const given = await Promise.all(range(10).map(() => take(id)));
    expect(new Set(given.map(({ nonce }) => nonce))).toEqual(new Set([0]));
    expect(await bench.nonces()).toHaveLength(1);
  });

  it('keeps the sequence when Redis is emptied half-way', async () => {
    const ids = await requests(AT_ONCE);
    let done = 0;
    const given = await Promise.all(
      ids.map(async (id) => {
        const reservation = await take(id);
        done += 1;
        if (done % 10 === 0) await bench.engine.redis.flushdb();
        return reservation;
      }),
    );
    await expectSequence(given);
  });

  it('keeps the sequence when Redis goes back to an older snapshot', async () => {
    const ids = await requests(AT_ONCE);
    const first = await Promise.all(ids.slice(0, 10).map((id) => take(id)));
    const snapshot = await Promise.all((await bench.engine.redis.keys('nonce:*')).map(async (key) => [key, await bench.engine.redis.dumpBuffer(key)] as const));
    expect(snapshot.length).toBeGreaterThan(0);
    const second = await Promise.all(ids.slice(10, 25).map((id) => take(id)));
    await bench.engine.redis.flushdb();
    for (const [key, value] of snapshot) await bench.engine.redis.restore(key, 0, value);
    const third = await Promise.all(ids.slice(25).map((id) => take(id)));
    await expectSequence([...first, ...second, ...third]);
    // What Redis says now agrees with MySQL again.
    const [late = ''] = await requests(1);
    const proposed = await bench.ports.nonceFront.propose(bench.engine.chain.chainId, bench.wallet, late);
    expect((await take(late)).nonce).toBe(AT_ONCE);
    expect(proposed?.nonce).toBeLessThanOrEqual(AT_ONCE);
  });

  it('keeps the sequence when Redis goes away in the middle', async () => {
    const redis = new Redis(testRedisUrl(), { maxRetriesPerRequest: 1, commandTimeout: 1_000, retryStrategy: () => null });
    const errors: unknown[] = [];
    const ports = { ...bench.ports, nonceFront: createNonceFront(redis, (error) => errors.push(error)) };
    const ids = await requests(AT_ONCE);
    let done = 0;
    const given = await Promise.all(
      ids.map(async (id) => {
        const reservation = await take(id, 100, ports);
        done += 1;
        if (done === 5) redis.disconnect();
        return reservation;
      }),
    );
    await expectSequence(given);
    const [late = ''] = await requests(1);
    expect((await take(late, 100, ports)).nonce).toBe(AT_ONCE);
    expect(errors.length).toBeGreaterThan(0);
  });

  it('is not led astray by a Redis far ahead', async () => {
    await bench.ports.nonceFront.restore(bench.engine.chain.chainId, bench.wallet, { next: 500, freed: [77], held: [] }, null);
    const ids = await requests(3);
    const given = [];
    for (const id of ids) given.push(await take(id));
    await expectSequence(given);
    const [late = ''] = await requests(1);
    expect((await bench.ports.nonceFront.propose(bench.engine.chain.chainId, bench.wallet, late))?.nonce).toBe(3);
  });

  it('fills a full window and says so to the others, who then find no gap', async () => {
    const ids = await requests(8);
    const results = await Promise.allSettled(ids.map((id) => take(id, 5)));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual(['WINDOW_FULL', 'WINDOW_FULL', 'WINDOW_FULL']);
    const given = await Promise.all(ids.map((id) => take(id, 8)));
    await expectSequence(given);
  });

  it('takes the lowest freed nonce first, with a new generation', async () => {
    const ids = await requests(3);
    for (const id of ids) await take(id);
    await bench.closeUnpaid({ requestId: ids[1] ?? '', status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' });
    const [late = ''] = await requests(1);
    expect(await take(late)).toMatchObject({ nonce: 1, generation: 2, requestId: late });
    await expectSequence(await bench.nonces());
  });

  it('gives nothing to a request that ended while the chain was asked', async () => {
    const [id = ''] = await requests(1);
    const rpc = interrupted(bench.ports.rpc, 'eth_getTransactionCount', () => bench.closeUnpaid({ requestId: id, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'test' }));
    await expect(take(id, 100, { ...bench.ports, rpc })).rejects.toMatchObject({ code: 'INVALID_STATE' });
    expect(await bench.nonces()).toEqual([]);
    const [late = ''] = await requests(1);
    expect((await take(late)).nonce).toBe(0);
  });

  it('passes over nonces a stranger used', async () => {
    const ids = await requests(2);
    await take(ids[0] ?? '');
    const before = await bench.chainNonce();
    await bench.spendNonce();
    await bench.spendNonce();
    expect(await bench.chainNonce()).toBe(before + 2);
    expect((await take(ids[1] ?? '')).nonce).toBe(2);
    // The unsigned nonce of the first was among them: it gets a new one.
    expect((await take(ids[0] ?? '')).nonce).toBe(3);
    expect((await bench.nonces()).map(({ state }) => state)).toEqual(['FOREIGN', 'FOREIGN', 'RESERVED', 'RESERVED']);
    const [row] = await bench.ports.db.select().from(withdrawalRequests).where(eq(withdrawalRequests.requestId, ids[0] ?? ''));
    expect(row?.status).toBe('SIGNING');
  });
});
