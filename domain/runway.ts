/** How long a wallet's money lasts. Amounts are base units. */

export interface SpendWindow {
  /** how long it is */
  ms: number;
  /** what was promised or spent in it */
  spent: bigint;
}

const HOUR_MS = 3_600_000n;

/** More hours than this is as good as for ever. */
export const HOURS_MAX = 100_000;

/** Base units an hour by the fastest of the windows, rounded up: a burst counts at once, a quiet hour hides no busy day. */
export function spendPerHour(windows: readonly SpendWindow[]): bigint {
  return windows.reduce((fastest, { ms, spent }) => {
    const perHour = (spent * HOUR_MS + BigInt(ms) - 1n) / BigInt(ms);
    return perHour > fastest ? perHour : fastest;
  }, 0n);
}

/**
 * Hours until what is available is spent at this rate, to a hundredth; null while nothing is spent. Nothing available, or
 * less than nothing, lasts for 0 hours.
 */
export function hoursLeft(available: bigint, perHour: bigint): number | null {
  if (perHour <= 0n) return null;
  if (available <= 0n) return 0;
  return Math.min(HOURS_MAX, Number((available * 100n) / perHour) / 100);
}

/**
 * Whether a person is called (`short`) or no longer needed (`ample`). Between the two stands whatever stood before, so that
 * a rate that trembles does not call every minute.
 */
export type Runway = 'short' | 'between' | 'ample';

/** @param belowFloor too little whatever the rate says */
export function judgeRunway(hours: number | null, belowFloor: boolean, alertHours: number): Runway {
  if (belowFloor || (hours !== null && hours < alertHours)) return 'short';
  return hours === null || hours >= alertHours * 1.25 ? 'ample' : 'between';
}
