import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { Wallet } from 'ethers';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fundReservations, limitBuckets, nonceReservations, policyDecisions, withdrawalRequests } from '../db/schema/index.ts';
import { EVERYONE } from '../db/schema/limit-buckets.ts';
import type { Rule } from '../domain/policy.ts';
import { putInForce, REST } from '../tests/harness/policies.ts';
import { startBench, type Bench } from './activities.testkit.ts';
import { createRpc } from './chain/rpc.ts';
import { makeReserveFunds } from './reserve-funds.ts';

const RACERS = 100;
const WAVES = 4;
const MINUTE_MS = 60_000;
/** Alone it takes half a minute; beside other tests several times that. */
const RACE_MS_MAX = 300_000;
const WINDOW_MS = { hour: 60 * MINUTE_MS, day: 24 * 60 * MINUTE_MS };
const CLIENTS = [11, 12, 13, 14];
const CURRENCIES = { USDC: 6, USDT: 6, POL: 18 } as const;
type Currency = keyof typeof CURRENCIES;

/** Token units; the rules below are made of them, and so is the reference. */
const LIMITS = [
  { of: 'client', window: 'hour', above: 12 },
  { of: 'client', window: 'day', above: 30 },
  { of: 'everyone', window: 'hour', above: 40 },
  { of: 'everyone', window: 'day', above: 90 },
] as const;
const COUNTS = [
  { of: 'client', window: 'hour', above: 9 },
  { of: 'everyone', window: 'day', above: 120 },
] as const;
const RULES: Rule[] = [
  ...LIMITS.map(({ of, window, above }): Rule => ({ id: `total-${of}-${window}`, when: { total: { of, window, above: String(above) } }, action: { deny: 'LIMIT_EXCEEDED' } })),
  ...COUNTS.map(({ of, window, above }): Rule => ({ id: `count-${of}-${window}`, when: { count: { of, window, above } }, action: { deny: 'LIMIT_EXCEEDED' } })),
  REST,
];

/** A node that is slow beside other tests is not what this is about, and a frozen clock never closes a circuit that opened over it. */
const NODE_TIMEOUT_MS = 60_000;

let bench: Bench;
let reserveFunds: Bench['reserveFunds'];
beforeAll(async () => {
  // A balance is remembered for the whole test: it is about limits, and the chain stands still.
  bench = await startBench({ wallets: 3, settings: (settings) => ({ ...settings, chain: { ...settings.chain, blockTimeMs: 600_000 } }) });
  const { url, chainId } = bench.engine.chain;
  reserveFunds = makeReserveFunds({ ...bench.ports, rpc: createRpc({ urls: [url], chainId, timeoutMs: NODE_TIMEOUT_MS }) });
});
afterAll(async () => {
  vi.useRealTimers();
  await bench.engine.stop();
});

/** What counts at this instant, in one statement: no racer comes in between. */
async function standing(of: 'client' | 'everyone', window: 'hour' | 'day', now: number) {
  const { ownerId, currency, amount, limitsReturnedAt, decidedAt } = policyDecisions;
  const rows = await bench.ports.db
    .select({ ownerId: of === 'client' ? ownerId : sql<number>`0`, currency, amount: sql<string>`CAST(SUM(${amount}) AS CHAR)`, count: sql<string>`COUNT(*)` })
    .from(policyDecisions)
    .where(and(isNull(limitsReturnedAt), gt(decidedAt, new Date(now - WINDOW_MS[window]))))
    .groupBy(...(of === 'client' ? [ownerId, currency] : [currency]));
  return rows.map((row) => ({ ownerId: row.ownerId, currency: row.currency as Currency, amount: BigInt(row.amount), count: Number(row.count) }));
}

async function expectWithinLimits(now: number): Promise<void> {
  for (const { of, window, above } of LIMITS) {
    for (const { currency, amount } of await standing(of, window, now)) expect(amount, `${of}, ${window}, ${currency}`).toBeLessThanOrEqual(BigInt(above) * 10n ** BigInt(CURRENCIES[currency]));
  }
  for (const { of, window, above } of COUNTS) {
    const counts = new Map<number, number>();
    for (const { ownerId, count } of await standing(of, window, now)) counts.set(ownerId, (counts.get(ownerId) ?? 0) + count);
    for (const count of counts.values()) expect(count).toBeLessThanOrEqual(above);
  }
}

/** The slices hold exactly what the decisions say: nothing was given back twice, or to another, or never. */
async function expectSlicesToAgree(): Promise<void> {
  const expected = new Map<string, { amount: bigint; withdrawals: number }>();
  const keyOf = (ownerId: number, bucket: Date, currency: string) => `${ownerId} ${bucket.toISOString()} ${currency}`;
  for (const { ownerId, limitBucket, currency, amount, limitsReturnedAt } of await bench.ports.db.select().from(policyDecisions)) {
    for (const owner of [EVERYONE, ownerId]) {
      const key = keyOf(owner, limitBucket, currency);
      const sum = expected.get(key) ?? { amount: 0n, withdrawals: 0 };
      expected.set(key, limitsReturnedAt === null ? { amount: sum.amount + amount, withdrawals: sum.withdrawals + 1 } : sum);
    }
  }
  const slices = (await bench.ports.db.select().from(limitBuckets)).map(({ ownerId, bucketStart, currency, amount, withdrawals }) => [keyOf(ownerId, bucketStart, currency), { amount, withdrawals }] as const);
  expect(new Map(slices)).toEqual(expected);
}

const accept = (ownerId: number, currency: Currency, amount: bigint) => bench.engine.accept({ ownerId, currency, amount, toAddress: Wallet.createRandom().address, started: false });

describe('limits under load', () => {
  it.each([7, 20_261_124])('a hundred racers at once, wave after wave, seed %i: no limit is passed in any window, and each is given back once', async (seed) => {
    await bench.ports.db.delete(limitBuckets);
    await bench.ports.db.delete(policyDecisions);
    const random = xoroshiro128plus(seed);
    const upTo = (most: number) => uniformInt(random, 0, most);
    const oneOf = <T>(values: readonly T[]): T => values[upTo(values.length - 1)] as T;
    let now = Date.now();
    const seen = { reserved: 0, denied: 0, ended: 0 };

    async function race(plan: { ownerId: number; currency: Currency; amount: bigint; twice: boolean; end: 'FAILED' | 'CANCELLED' | 'REJECTED' | null; endTwice: boolean }): Promise<void> {
      const requestId = await accept(plan.ownerId, plan.currency, plan.amount);
      const answers = await Promise.all(Array.from({ length: plan.twice ? 2 : 1 }, () => reserveFunds({ requestId })));
      // Denied at first and let pass the second time, because something was given back in between, is let pass.
      const reserved = answers.some(({ kind }) => kind === 'reserved');
      for (const answer of answers) if (answer.kind === 'denied') expect(answer.code).toBe('LIMIT_EXCEEDED');
      seen[reserved ? 'reserved' : 'denied'] += 1;
      const end = reserved ? plan.end : 'REJECTED';
      if (end === null) return;
      if (reserved) seen.ended += 1;
      const code = reserved ? 'CANCELLED_BY_REQUEST' : 'LIMIT_EXCEEDED';
      await Promise.all(Array.from({ length: plan.endTwice ? 3 : 1 }, () => bench.closeUnpaid({ requestId, status: end, code, reason: 'test' })));
      if (!reserved) expect(await bench.engine.row(requestId)).toMatchObject({ status: 'REJECTED', errorCode: 'LIMIT_EXCEEDED', walletAddress: null });
    }

    for (let wave = 0; wave < WAVES; wave += 1) {
      // The clock stands within a wave, so that its window is the same for everyone; nothing else is faked.
      vi.useFakeTimers({ toFake: ['Date'], now });
      await putInForce(bench.ports, ...RULES.slice(0, -1), { ...REST, id: `rest-${seed}-${wave}` });
      const plans = Array.from({ length: RACERS }, () => {
        const currency = oneOf(Object.keys(CURRENCIES) as Currency[]);
        // Down to the last base unit, which a double would lose.
        const amount = BigInt(upTo(5)) * 10n ** BigInt(CURRENCIES[currency]) + BigInt(1 + upTo(999_999));
        return { ownerId: oneOf(CLIENTS), currency, amount, twice: upTo(3) === 0, end: oneOf(['FAILED', 'CANCELLED', 'REJECTED', null, null] as const), endTwice: upTo(1) === 0 };
      });
      const raced = new AbortController();
      const watching = (async () => {
        while (!raced.signal.aborted) await expectWithinLimits(now);
      })();
      // Another version comes into force in the middle of the race.
      const replacing = putInForce(bench.ports, ...RULES);
      await Promise.all(plans.map(race));
      raced.abort();
      await Promise.all([watching, replacing]);
      await expectWithinLimits(now);
      await expectSlicesToAgree();
      // Sometimes within an hour, sometimes beyond a day.
      now += MINUTE_MS * (upTo(1) === 0 ? 3 + upTo(50) : 60 * (1 + upTo(25)));
    }
    vi.useRealTimers();

    expect(Math.min(seen.reserved, seen.denied, seen.ended)).toBeGreaterThan(WAVES * 5);
    const { db } = bench.ports;
    const rejected = await db.select().from(withdrawalRequests).where(eq(withdrawalRequests.errorCode, 'LIMIT_EXCEEDED'));
    expect(new Set(rejected.map(({ status }) => status))).toEqual(new Set(['REJECTED']));
    const judged = new Set((await db.select({ requestId: policyDecisions.requestId }).from(policyDecisions)).map(({ requestId }) => requestId));
    const held = new Set((await db.select({ requestId: fundReservations.requestId }).from(fundReservations)).map(({ requestId }) => requestId));
    expect(rejected.filter(({ requestId }) => judged.has(requestId) || held.has(requestId))).toEqual([]);
    expect(await db.$count(nonceReservations)).toBe(0);
  }, RACE_MS_MAX);

  it('lets exactly as many of a hundred pass as the limit allows, and as many again once they were given back', async () => {
    const { db } = bench.ports;
    await db.delete(limitBuckets);
    await putInForce(bench.ports, { id: 'day', when: { total: { of: 'everyone', window: 'day', above: '37' } }, action: { deny: 'LIMIT_EXCEEDED' } }, REST);
    for (let round = 0; round < 2; round += 1) {
      const requestIds = await Promise.all(Array.from({ length: RACERS }, (_, index) => accept(CLIENTS[index % CLIENTS.length] as number, 'USDC', 1_000_000n)));
      const answers = await Promise.all(requestIds.map((requestId) => reserveFunds({ requestId })));
      const passed = requestIds.filter((_, index) => answers[index]?.kind === 'reserved');
      expect(passed).toHaveLength(37);
      await Promise.all([...passed, ...passed].map((requestId) => bench.closeUnpaid({ requestId, status: 'FAILED', code: 'TRANSFER_REFUSED', reason: 'test' })));
    }
  });
});
