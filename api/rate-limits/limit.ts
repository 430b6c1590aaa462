/** At most so many requests in a window of time, for one caller. */
export interface Limit {
  /** names the rule in the `RateLimit` headers; says what is counted, never who */
  policy: string;
  /** whose requests are counted together */
  key: string;
  requestsMax: number;
  windowMs: number;
}

/** What has been counted in the window under way, this request included. */
export interface Count {
  requests: number;
  /** until the window ends */
  remainingMs: number;
}

export interface Verdict {
  limit: Limit;
  count: Count;
}

/** True when this request is one too many. */
export function isExceeded({ limit, count }: Verdict): boolean {
  return count.requests > limit.requestsMax;
}
