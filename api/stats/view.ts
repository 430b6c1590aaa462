import { isErrorCode } from '../../domain/errors.ts';
import { formatAmount } from '../../domain/money.ts';
import { NETWORKS, type Network } from '../../domain/networks.ts';
import { countIn, LATENCY_PARTS, quantile, successRate, sumOf, type Group, type Histogram, type LatencyPart, type Statistics } from '../../domain/statistics.ts';
import { WITHDRAWAL_STATUSES } from '../../domain/status.ts';
import type { StatsView } from '../schemas/stats.ts';

const NATIVE_DECIMALS = 18;

/** Statistics as an operator sees them: token units, milliseconds. */
export function statsView({ groups, latencies, gasWei }: Statistics, window: { from: Date; to: Date; network: Network }): StatsView {
  return {
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    accepted: sumOf(groups),
    statuses: Object.fromEntries(WITHDRAWAL_STATUSES.map((status) => [status, sumOf(groups.filter((group) => group.status === status))])),
    successRate: successRate(groups),
    errors: errorsOf(groups),
    latencies: Object.fromEntries(LATENCY_PARTS.map((part) => [part, latencyOf(latencies[part])])) as Record<LatencyPart, StatsView['latencies'][LatencyPart]>,
    volumes: volumesOf(groups),
    gas: { currency: NETWORKS[window.network].nativeCurrency, amount: formatAmount(gasWei, NATIVE_DECIMALS) },
  };
}

function latencyOf(histogram: Histogram): StatsView['latencies']['total'] {
  const count = countIn(histogram);
  const at = (share: number) => {
    const ms = quantile(histogram, share);
    return ms === null ? null : Math.round(ms);
  };
  return { count, medianMs: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: count === 0 ? null : Math.round(histogram.maxMs) };
}

function errorsOf(groups: readonly Group[]): StatsView['errors'] {
  const failed = groups.flatMap((group) => (group.errorCode === null || group.status === 'COMPLETED' ? [] : [{ ...group, code: isErrorCode(group.errorCode) ? group.errorCode : ('INTERNAL' as const) }]));
  const alike = Object.values(Object.groupBy(failed, ({ code, status }) => `${code} ${status}`)).filter((each) => each !== undefined);
  return alike.flatMap(([first, ...others]) => (first ? [{ code: first.code, status: first.status, count: sumOf([first, ...others]) }] : [])).toSorted((left, right) => right.count - left.count);
}

function volumesOf(groups: readonly Group[]): StatsView['volumes'] {
  const byCurrency = Object.values(Object.groupBy(groups, ({ currency, decimals }) => `${currency} ${decimals}`)).filter((each) => each !== undefined);
  return byCurrency
    .flatMap((alike) => {
      const [first] = alike;
      if (!first) return [];
      const together = (some: readonly Group[]) => ({ count: sumOf(some), amount: formatAmount(some.reduce((total, { amount }) => total + amount, 0n), first.decimals) });
      return [{ currency: first.currency, accepted: together(alike), paid: together(alike.filter(({ status }) => status === 'COMPLETED')) }];
    })
    .toSorted((left, right) => (left.currency < right.currency ? -1 : 1));
}
