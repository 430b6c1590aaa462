/**
 * How a failure is tried again, by name. The one place of these numbers: activities' retry policies and the workflow's own
 * tries are made of them.
 */
export const RETRY_PROFILES = {
  /** it does not heal: the withdrawal ends, if it is provably unpaid */
  never: { triesMax: 1, firstPauseMs: 0, factor: 1, pauseMsMax: 0 },
  /** an outage or a queue: waited out however long it lasts, by Temporal, without growing the history */
  'wait-out': { triesMax: null, firstPauseMs: 500, factor: 2, pauseMsMax: 10_000 },
  /** nobody knows whether it heals: a few tries, then a person */
  'few-tries': { triesMax: 5, firstPauseMs: 1_000, factor: 2, pauseMsMax: 600_000 },
  /** trying again shows the same: a person at once */
  'ask-a-person': { triesMax: 1, firstPauseMs: 0, factor: 1, pauseMsMax: 0 },
} as const satisfies Record<string, RetryProfile>;

export interface RetryProfile {
  /** in all, the first one counted; null: without end */
  triesMax: number | null;
  firstPauseMs: number;
  /** each pause is this many times the one before */
  factor: number;
  pauseMsMax: number;
}

export type RetryProfileName = keyof typeof RETRY_PROFILES;

/** What holds for a code that names no other. */
export const PROFILE_OF_CLASS = { permanent: 'never', transient: 'wait-out', unknown: 'few-tries' } as const satisfies Record<string, RetryProfileName>;

/** The pause after so many failures, ms: 1, 2, 4, 8 … s for a few tries. */
export function pauseMs({ firstPauseMs, factor, pauseMsMax }: RetryProfile, failures: number): number {
  return Math.min(firstPauseMs * factor ** (failures - 1), pauseMsMax);
}
