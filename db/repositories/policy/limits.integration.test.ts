import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Usage } from '../../../domain/policy.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { limitBuckets, policyDecisions } from '../../schema/index.ts';
import { EVERYONE } from '../../schema/limit-buckets.ts';
import { BUCKET_MS, bucketOf, readUsage, returnLimits, takeLimits, type Countable } from './limits.ts';
import { insertDecision } from './policy-decisions.ts';
import { CHAIN_ID, inTransaction, randomRequestId } from '../repositories.testkit.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(() => database.db.delete(limitBuckets));

const NOW = new Date('2026-11-24T12:02:30.000Z');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const OWNER = 7;

/** A withdrawal let pass so long ago, as `admit` writes it. */
async function taken(ago: number, change: Partial<Countable> = {}): Promise<string> {
  const requestId = randomRequestId();
  const countable = { chainId: CHAIN_ID, ownerId: OWNER, currency: 'USDC', amount: 100n, ...change };
  const decidedAt = new Date(NOW.getTime() - ago);
  await inTransaction(database.db, async (tx) => {
    await insertDecision(tx, { requestId, policyVersion: 1, ruleId: 'rule', ...countable, limitBucket: bucketOf(decidedAt), approvalsRequired: 0, approvers: null, approvalDeadline: null, decidedAt });
    await takeLimits(tx, countable, bucketOf(decidedAt));
  });
  return requestId;
}
const giveBack = (requestId: string) => inTransaction(database.db, (tx) => returnLimits(tx, requestId));
const usageOf = (change: Partial<Countable> = {}) => readUsage(database.db, { chainId: CHAIN_ID, ownerId: OWNER, currency: 'USDC', ...change }, NOW);
const NONE: Usage = { hourTotal: 0n, dayTotal: 0n, hourCount: 0, dayCount: 0 };

describe('what was counted', () => {
  it('is nothing at first', async () => {
    expect(await usageOf()).toEqual({ client: NONE, everyone: NONE });
  });

  it('is exact to the last base unit of a token with eighteen decimals, forth and back', async () => {
    // Digits that a double would round away.
    const amounts = [1_000_000_000_000_000_000_000_001n, 3n, 10n ** 18n + 1n];
    const requestIds: string[] = [];
    for (const amount of amounts) requestIds.push(await taken(0, { amount, currency: 'POL' }));
    const sum = amounts.reduce((left, right) => left + right);
    expect((await usageOf({ currency: 'POL' })).client).toMatchObject({ hourTotal: sum, dayTotal: sum });
    for (const requestId of requestIds.toReversed()) await giveBack(requestId);
    expect(await database.db.select().from(limitBuckets)).toMatchObject([{ amount: 0n, withdrawals: 0 }, { amount: 0n, withdrawals: 0 }]);
  });

  it.each([
    ['just before an hour', HOUR_MS - 1, 1, 1],
    ['an hour and less than a slice', HOUR_MS + BUCKET_MS / 2 - 1, 1, 1],
    ['an hour and a slice', HOUR_MS + BUCKET_MS, 0, 1],
    ['just before a day', DAY_MS - 1, 0, 1],
    ['a day and a slice', DAY_MS + BUCKET_MS, 0, 0],
  ])('%s ago: a slice that is partly in a window counts whole', async (_, ago, inHour, inDay) => {
    await taken(ago);
    expect((await usageOf()).client).toEqual({ hourTotal: BigInt(inHour) * 100n, dayTotal: BigInt(inDay) * 100n, hourCount: inHour, dayCount: inDay });
  });

  it('is never forgotten while it is in a window, at whatever instant it was taken and is asked for', async () => {
    for (let ago = 0; ago < HOUR_MS; ago += 7 * MINUTE_MS + 11_003) await taken(ago);
    const { client } = await usageOf();
    expect(client.hourCount).toBe(Math.ceil(HOUR_MS / (7 * MINUTE_MS + 11_003)));
  });

  it('is kept apart by owner, chain and currency; withdrawals are counted whatever their currency', async () => {
    await taken(0);
    await taken(0, { currency: 'POL', amount: 5n });
    await taken(0, { ownerId: 8, amount: 30n });
    await taken(0, { chainId: 137, amount: 1_000n });
    expect(await usageOf()).toEqual({
      client: { hourTotal: 100n, dayTotal: 100n, hourCount: 2, dayCount: 2 },
      everyone: { hourTotal: 130n, dayTotal: 130n, hourCount: 3, dayCount: 3 },
    });
  });
});

describe('what was not paid', () => {
  it('is given back once, however many give it back at once', async () => {
    await taken(0);
    const requestId = await taken(0, { amount: 40n });
    const answers = await Promise.all(Array.from({ length: 20 }, () => giveBack(requestId)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect((await usageOf()).client).toMatchObject({ hourTotal: 100n, hourCount: 1 });
    expect((await usageOf()).everyone).toMatchObject({ hourTotal: 100n, hourCount: 1 });
  });

  it('goes back into the slice it was counted in', async () => {
    const requestId = await taken(2 * HOUR_MS);
    await taken(0, { amount: 1n });
    await giveBack(requestId);
    const [decision] = await database.db.select().from(policyDecisions).where(eq(policyDecisions.requestId, requestId));
    const rows = await database.db.select().from(limitBuckets).where(eq(limitBuckets.ownerId, EVERYONE));
    expect(rows.find(({ bucketStart }) => bucketStart.getTime() === decision?.limitBucket.getTime())).toMatchObject({ amount: 0n, withdrawals: 0 });
    expect((await usageOf()).client).toEqual({ hourTotal: 1n, dayTotal: 1n, hourCount: 1, dayCount: 1 });
  });

  it('gives nothing back for a request that took nothing', async () => {
    expect(await giveBack(randomRequestId())).toBe(false);
    expect(await database.db.$count(limitBuckets)).toBe(0);
  });
});
