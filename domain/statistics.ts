import { isEnd, type WithdrawalStatus } from './status.ts';

/** Stretches of a withdrawal's way whose length is counted. */
export const LATENCY_PARTS = ['total', 'acceptedToSigned', 'signedToSent', 'sentToFinal'] as const;
export type LatencyPart = (typeof LATENCY_PARTS)[number];

/**
 * Lengths of time, counted in buckets each 4 % wider than the one before: bucket n holds (1.04ⁿ⁻¹, 1.04ⁿ] ms. Two add up to one
 * without loss, and a quantile read from it is less than 2 % off. The longest is exact.
 * Source: Masson, Rim and Lee, "DDSketch" (VLDB 2019).
 */
export interface Histogram {
  /** each bucket once, in any order, with how many it holds */
  buckets: [bucket: number, count: number][];
  maxMs: number;
}

export const BUCKET_RATIO = 1.04;

/** Withdrawals that are alike in all that is counted. */
export interface Group {
  status: WithdrawalStatus;
  errorCode: string | null;
  currency: string;
  decimals: number;
  count: number;
  /** base units, together */
  amount: bigint;
}

/** What is counted of some withdrawals. Two such add up to that of both. */
export interface Statistics {
  groups: Group[];
  /** of completed ones */
  latencies: Record<LatencyPart, Histogram>;
  /** what left the wallets for it, wei */
  gasWei: bigint;
}

export function noStatistics(): Statistics {
  return { groups: [], latencies: { total: noLengths(), acceptedToSigned: noLengths(), signedToSent: noLengths(), sentToFinal: noLengths() }, gasWei: 0n };
}

const noLengths = (): Histogram => ({ buckets: [], maxMs: 0 });

/** The statistics of all of them together; none of them may count a withdrawal that another counts. */
export function sumStatistics(parts: readonly Statistics[]): Statistics {
  const sum = noStatistics();
  const groups = new Map<string, Group>();
  for (const part of parts) {
    sum.gasWei += part.gasWei;
    for (const group of part.groups) {
      const key = [group.status, group.errorCode, group.currency, group.decimals].join(' ');
      const same = groups.get(key);
      groups.set(key, same ? { ...same, count: same.count + group.count, amount: same.amount + group.amount } : group);
    }
  }
  for (const name of LATENCY_PARTS) sum.latencies[name] = sumHistograms(parts.map(({ latencies }) => latencies[name]));
  return { ...sum, groups: [...groups.values()] };
}

function sumHistograms(parts: readonly Histogram[]): Histogram {
  const sum = new Map<number, number>();
  for (const { buckets } of parts) for (const [bucket, count] of buckets) sum.set(bucket, (sum.get(bucket) ?? 0) + count);
  return { buckets: [...sum], maxMs: parts.reduce((longest, { maxMs }) => Math.max(longest, maxMs), 0) };
}

export const countIn = ({ buckets }: Histogram): number => buckets.reduce((sum, [, count]) => sum + count, 0);

/**
 * The length that a share of all do not exceed, ms.
 * @param share 0 < share ≤ 1; 0.5 is the median
 * @returns null when nothing was counted
 */
export function quantile(histogram: Histogram, share: number): number | null {
  const rank = Math.ceil(countIn(histogram) * share);
  let below = 0;
  for (const [bucket, count] of histogram.buckets.toSorted(([left], [right]) => left - right)) {
    below += count;
    // The middle of the bucket, by ratio; never beyond the longest.
    if (below >= rank) return Math.min((2 * BUCKET_RATIO ** bucket) / (BUCKET_RATIO + 1), histogram.maxMs);
  }
  return null;
}

/** Share of those that ended which were paid; null while none has ended. */
export function successRate(groups: readonly Group[]): number | null {
  const ended = sumOf(groups.filter(({ status }) => isEnd(status)));
  return ended === 0 ? null : sumOf(groups.filter(({ status }) => status === 'COMPLETED')) / ended;
}

export const sumOf = (groups: readonly { count: number }[]): number => groups.reduce((sum, { count }) => sum + count, 0);

interface StoredStatistics {
  groups: [status: WithdrawalStatus, errorCode: string | null, currency: string, decimals: number, count: number, amount: string][];
  latencies: Statistics['latencies'];
  gasWei: string;
}

/** As text, to be kept; `statisticsFrom` reads it back. */
export function statisticsText({ groups, latencies, gasWei }: Statistics): string {
  const stored: StoredStatistics = {
    groups: groups.map(({ status, errorCode, currency, decimals, count, amount }) => [status, errorCode, currency, decimals, count, amount.toString()]),
    latencies,
    gasWei: gasWei.toString(),
  };
  return JSON.stringify(stored);
}

export function statisticsFrom(text: string): Statistics {
  const { groups, latencies, gasWei } = JSON.parse(text) as StoredStatistics;
  return {
    groups: groups.map(([status, errorCode, currency, decimals, count, amount]) => ({ status, errorCode, currency, decimals, count, amount: BigInt(amount) })),
    latencies,
    gasWei: BigInt(gasWei),
  };
}
