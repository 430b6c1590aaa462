import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createNonceFront, type NonceFront } from './nonce-front.ts';
import { testRedisUrl } from '../tests/harness/redis.ts';

const CHAIN = 80_002;

describe('the nonce front', () => {
  let redis: Redis;
  let front: NonceFront;
  let errors: unknown[];
  let wallet: string;
  beforeAll(() => {
    redis = new Redis(testRedisUrl(), { maxRetriesPerRequest: 1, commandTimeout: 2_000 });
    front = createNonceFront(redis, (error) => errors.push(error));
  });
  afterAll(() => redis.disconnect());
  beforeEach(() => {
    errors = [];
    wallet = `0x${randomBytes(20).toString('hex')}`;
  });
  const propose = (requestId: string) => front.propose(CHAIN, wallet, requestId);
  const restore = (next: number, seen: number | null, rest: { freed?: number[]; held?: { requestId: string; nonce: number }[] } = {}) => front.restore(CHAIN, wallet, { next, freed: [], held: [], ...rest }, seen);

  it('knows nothing of an empty Redis', async () => {
    expect(await propose('a')).toBeNull();
    expect(errors).toEqual([]);
  });

  it('proposes 200 different nonces to 200 callers at once, without a gap', async () => {
    await restore(7, null);
    const proposals = await Promise.all(Array.from({ length: 200 }, (_, index) => propose(`request-${index}`)));
    expect(proposals.map((proposal) => proposal?.nonce).toSorted((left, right) => Number(left) - Number(right))).toEqual(Array.from({ length: 200 }, (_, index) => 7 + index));
  });

  it('proposes the same nonce to the same request, also when it asks many times at once', async () => {
    await restore(0, null);
    const proposals = await Promise.all(Array.from({ length: 20 }, () => propose('same')));
    expect(new Set(proposals.map((proposal) => proposal?.nonce))).toEqual(new Set([0]));
    expect(await propose('other')).toEqual({ nonce: 1, counter: 2 });
  });

  it('gives the lowest freed nonce before a new one', async () => {
    await restore(20, null, { freed: [9, 10, 3], held: [{ requestId: 'holder', nonce: 12 }] });
    expect(await propose('holder')).toEqual({ nonce: 12, counter: 20 });
    expect([await propose('a'), await propose('b'), await propose('c'), await propose('d')].map((proposal) => proposal?.nonce)).toEqual([3, 9, 10, 20]);
    await front.release(CHAIN, wallet, 'b', 9);
    expect((await propose('e'))?.nonce).toBe(9);
    // Released without a nonce: forgotten, not freed.
    await front.release(CHAIN, wallet, 'a', null);
    expect((await propose('f'))?.nonce).toBe(21);
  });

  it('raises the counter to what MySQL says', async () => {
    await restore(3, null);
    await restore(8, null);
    expect((await propose('a'))?.nonce).toBe(8);
  });

  it('lowers the counter only where it still stands where the caller saw it', async () => {
    await restore(50, null);
    const seen = (await propose('slow'))?.counter ?? null;
    expect(seen).toBe(51);
    await propose('quick');
    // Somebody proposed since: what the slow one knows is older.
    await restore(4, seen);
    expect((await propose('next'))?.nonce).toBe(52);
    // And without having seen a counter it is not lowered at all.
    await restore(4, null);
    const now = await propose('after');
    expect(now).toEqual({ nonce: 53, counter: 54 });
    await restore(4, 54);
    expect((await propose('lowered'))?.nonce).toBe(4);
  });

  it('keeps wallets apart', async () => {
    await restore(5, null);
    await front.restore(CHAIN, `${wallet}0`, { next: 70, freed: [], held: [] }, null);
    expect((await propose('a'))?.nonce).toBe(5);
    expect((await front.propose(CHAIN, `${wallet}0`, 'a'))?.nonce).toBe(70);
  });

  it('neither answers nor throws without Redis, and says so', async () => {
    const away = new Redis(testRedisUrl(), { lazyConnect: true, maxRetriesPerRequest: 1 });
    away.disconnect();
    const blind = createNonceFront(away, (error) => errors.push(error));
    expect(await blind.propose(CHAIN, wallet, 'a')).toBeNull();
    await blind.restore(CHAIN, wallet, { next: 1, freed: [], held: [] }, null);
    await blind.release(CHAIN, wallet, 'a', 1);
    expect(errors).toHaveLength(3);
  });
});
