import { array, assert, constantFrom, double, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUCKET_RATIO, countIn, noStatistics, quantile, statisticsFrom, statisticsText, successRate, sumStatistics, type Group, type Histogram, type Statistics } from './statistics.ts';

const lengths = array(double({ min: 1, max: 1e8, noNaN: true }), { minLength: 1, maxLength: 300 });

function histogramOf(all: readonly number[]): Histogram {
  const buckets = new Map<number, number>();
  for (const ms of all) {
    const bucket = Math.ceil(Math.log(ms) / Math.log(BUCKET_RATIO));
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
  }
  return { buckets: [...buckets], maxMs: Math.max(0, ...all) };
}

const withTotals = (all: readonly number[], groups: Group[] = []): Statistics => {
  const empty = noStatistics();
  return { ...empty, groups, latencies: { ...empty.latencies, total: histogramOf(all) }, gasWei: BigInt(all.length) };
};
const group = (status: Group['status'], count: number, errorCode: string | null = null): Group => ({ status, errorCode, currency: 'USDC', decimals: 6, count, amount: BigInt(count) * 7n });

describe('quantile', () => {
  it('is within 2 % of the true one, for any lengths', () => {
    assert(
      property(lengths, constantFrom(0.01, 0.5, 0.95, 0.99, 1), (all, share) => {
        const exact = all.toSorted((left, right) => left - right)[Math.ceil(all.length * share) - 1] ?? 0;
        const read = quantile(histogramOf(all), share) ?? 0;
        expect(Math.abs(read - exact) / exact).toBeLessThan(0.02);
        expect(read).toBeLessThanOrEqual(Math.max(...all));
      }),
    );
  });

  it('is nothing of nothing', () => {
    expect(quantile(histogramOf([]), 0.5)).toBeNull();
  });
});

describe('the sum', () => {
  it('of parts is that of the whole, however they are cut, and survives being kept as text', () => {
    assert(
      property(lengths, lengths, lengths, (one, two, three) => {
        const parts = [one, two, three].map((all) => statisticsFrom(statisticsText(withTotals(all, [group('COMPLETED', all.length), group('FAILED', 1, 'INTERNAL')]))));
        const whole = withTotals([...one, ...two, ...three], [group('COMPLETED', one.length + two.length + three.length), group('FAILED', 3, 'INTERNAL')]);
        const sum = sumStatistics(parts);
        expect(sum.groups).toEqual(whole.groups);
        expect(sum.gasWei).toBe(whole.gasWei);
        expect(countIn(sum.latencies.total)).toBe(countIn(whole.latencies.total));
        expect(Object.fromEntries(sum.latencies.total.buckets)).toEqual(Object.fromEntries(whole.latencies.total.buckets));
        expect(sum.latencies.total.maxMs).toBe(whole.latencies.total.maxMs);
      }),
    );
  });
});

describe('the success rate', () => {
  it('is over what has ended', () => {
    expect(successRate([group('COMPLETED', 8), group('FAILED', 1), group('CANCELLED', 1), group('CONFIRMING', 90), group('DEAD_LETTERED', 5)])).toBe(0.8);
    expect(successRate([group('PENDING', 3)])).toBeNull();
  });
});
