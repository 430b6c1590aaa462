import { and, eq, gte, lt } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantile, type LatencyPart, type Statistics } from '../../../domain/statistics.ts';
import { isEnd } from '../../../domain/status.ts';
import { loadRows } from '../../../scripts/load-rows/load.ts';
import { loadSettings } from '../../../scripts/sandbox/load-settings.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { fundReservations, hourlyStats, signedTransactions, withdrawalRequests } from '../../schema/index.ts';
import { countPastHours, createStatisticsReader, HOUR_MS, type StatisticsReader } from './statistics.ts';

const DAYS = 2;
const NOW = new Date('2026-11-24T12:34:56.789Z');
const START = new Date(NOW.getTime() - DAYS * 24 * HOUR_MS);

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await loadRows(database, { rows: 6_000, seed: 7, days: DAYS, until: NOW, settings: loadSettings('docker/settings/sandbox.json') });
});
afterAll(() => database.close());

/** The same, from every single row, by the plainest code there is. */
async function fromRows(from: Date, to: Date): Promise<Statistics & { exact: Record<LatencyPart, number[]> }> {
  const rows = await database.db.select().from(withdrawalRequests).where(and(gte(withdrawalRequests.createdAt, from), lt(withdrawalRequests.createdAt, to)));
  const attempts = Map.groupBy(await database.db.select().from(signedTransactions), ({ requestId }) => requestId);
  const spent = new Map((await database.db.select().from(fundReservations)).map(({ requestId, spentGasWei }) => [requestId, spentGasWei]));
  const exact: Record<LatencyPart, number[]> = { total: [], acceptedToSigned: [], signedToSent: [], sentToFinal: [] };
  const groups = new Map<string, Statistics['groups'][number]>();
  let gasWei = 0n;
  for (const { requestId, status, errorCode, currency, decimals, amount, createdAt, completedAt } of rows) {
    const key = [status, errorCode, currency].join();
    const group = groups.get(key) ?? { status, errorCode, currency, decimals, count: 0, amount: 0n };
    groups.set(key, { ...group, count: group.count + 1, amount: group.amount + amount });
    gasWei += spent.get(requestId) ?? 0n;
    if (status !== 'COMPLETED') continue;
    const own = attempts.get(requestId) ?? [];
    const signed = Math.min(...own.map(({ signedAt }) => signedAt.getTime()));
    const sent = Math.min(...own.map(({ broadcastedAt }) => broadcastedAt?.getTime() ?? Infinity));
    const final = completedAt?.getTime() ?? 0;
    exact.total.push(final - createdAt.getTime());
    exact.acceptedToSigned.push(signed - createdAt.getTime());
    exact.signedToSent.push(sent - signed);
    exact.sentToFinal.push(final - sent);
  }
  return { groups: [...groups.values()], latencies: {} as Statistics['latencies'], gasWei, exact };
}

const bySize = (groups: Statistics['groups']) => groups.toSorted((left, right) => JSON.stringify([left.status, left.errorCode, left.currency]).localeCompare(JSON.stringify([right.status, right.errorCode, right.currency])));

async function expectTrue(from: Date, to: Date, reader: StatisticsReader = createStatisticsReader(database.db)): Promise<void> {
  const read = await reader(from, to);
  const { groups, gasWei, exact } = await fromRows(from, to);
  expect(bySize(read.groups)).toEqual(bySize(groups));
  expect(read.gasWei).toBe(gasWei);
  for (const [part, all] of Object.entries(exact) as [LatencyPart, number[]][]) {
    const sorted = all.map((ms) => Math.max(ms, 1)).toSorted((left, right) => left - right);
    const histogram = read.latencies[part];
    expect([part, histogram.maxMs]).toEqual([part, sorted.at(-1) ?? 0]);
    for (const share of [0.5, 0.95, 0.99]) {
      const expected = sorted[Math.ceil(sorted.length * share) - 1];
      const told = quantile(histogram, share);
      if (expected === undefined) expect(told).toBeNull();
      else expect(Math.abs((told ?? 0) - expected) / expected).toBeLessThan(0.02);
    }
  }
}

const WINDOWS: [string, Date, Date][] = [
  ['everything', START, NOW],
  ['the last day, cut in the middle of hours', new Date(NOW.getTime() - 24 * HOUR_MS), NOW],
  ['some minutes', new Date('2026-11-24T03:10:00Z'), new Date('2026-11-24T03:17:00Z')],
  ['whole hours', new Date('2026-11-23T03:00:00Z'), new Date('2026-11-23T09:00:00Z')],
  ['a time before all', new Date('2026-11-01T00:00:00Z'), new Date('2026-11-02T00:00:00Z')],
];

describe('statistics', () => {
  it.each(WINDOWS)('are true when nothing was counted before: %s', async (_name, from, to) => {
    expect(await database.db.$count(hourlyStats)).toBe(0);
    await expectTrue(from, to);
  });

  it('are the same when past hours were counted, a few at a time, by two at once', async () => {
    let counted = 0;
    for (let rounds = 0; ; rounds += 1) {
      const [some, same] = await Promise.all([countPastHours(database.db, NOW, 7), countPastHours(database.db, NOW, 7)]);
      if (some + same === 0) break;
      counted += some + same;
      expect(rounds).toBeLessThan(50);
    }
    // The hour that goes on is left, and it is cut at the other end.
    expect(await database.db.$count(hourlyStats)).toBe(DAYS * 24);
    expect(counted).toBeGreaterThanOrEqual(DAYS * 24);
    for (const [, from, to] of WINDOWS) await expectTrue(from, to);
  });

  it('follow a withdrawal that was open when its hour was counted, before that hour is counted anew and after', async () => {
    const parked = (await database.db.select().from(withdrawalRequests).where(eq(withdrawalRequests.status, 'DEAD_LETTERED'))).at(0);
    const early = (await database.db.select().from(withdrawalRequests).where(lt(withdrawalRequests.createdAt, new Date(NOW.getTime() - 3 * HOUR_MS))).limit(1)).at(0);
    const { requestId } = parked ?? early ?? { requestId: '' };
    // The same reader all along: what it remembers must not keep it from what is true.
    const reader = createStatisticsReader(database.db);
    await database.db.delete(hourlyStats);
    await database.db.update(withdrawalRequests).set({ status: 'DEAD_LETTERED', completedAt: null }).where(eq(withdrawalRequests.requestId, requestId));
    await countPastHours(database.db, NOW, 1_000);
    expect((await database.db.select().from(hourlyStats)).flatMap(({ openIds }) => openIds)).toContain(requestId);
    await expectTrue(START, NOW, reader);
    await expectTrue(START, NOW, reader);

    await database.db.update(withdrawalRequests).set({ status: 'CANCELLED', errorCode: 'CANCELLED_BY_REQUEST', completedAt: NOW }).where(eq(withdrawalRequests.requestId, requestId));
    await expectTrue(START, NOW, reader);
    expect(await countPastHours(database.db, NOW, 1_000)).toBe(1);
    expect((await database.db.select().from(hourlyStats)).flatMap(({ openIds }) => openIds)).not.toContain(requestId);
    await expectTrue(START, NOW, reader);
  });

  it('leave an hour uncounted in which much has not ended', async () => {
    await database.db.delete(hourlyStats);
    const hour = new Date('2026-11-23T20:00:00Z');
    const to = new Date(hour.getTime() + HOUR_MS);
    await database.db.update(withdrawalRequests).set({ status: 'CONFIRMING', completedAt: null }).where(and(gte(withdrawalRequests.createdAt, hour), lt(withdrawalRequests.createdAt, to)));
    await countPastHours(database.db, NOW, 1_000);
    expect(await database.db.$count(hourlyStats)).toBe(DAYS * 24 - 1);
    const read = await createStatisticsReader(database.db)(hour, to);
    expect(read.groups.every(({ status }) => !isEnd(status))).toBe(true);
    await expectTrue(START, NOW);
  });
});
