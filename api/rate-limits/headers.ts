import { isExceeded, type Verdict } from './limit.ts';

/**
 * `RateLimit-Policy` with every rule that this request was held to, and `RateLimit` with the one that leaves least, as in
 * draft-ietf-httpapi-ratelimit-headers-11: structured fields (RFC 9651) whose items are the policies' names, with quota `q`
 * and window `w`, remaining `r` and reset `t`, all in whole seconds. Policy names hold no character that would need an escape.
 */
export function rateLimitHeaders(verdicts: readonly Verdict[]): Record<'ratelimit' | 'ratelimit-policy', string> | null {
  const [tightest] = verdicts.toSorted((a, b) => remainingOf(a) - remainingOf(b) || b.count.remainingMs - a.count.remainingMs);
  if (!tightest) return null;
  return {
    'ratelimit-policy': verdicts.map(({ limit }) => `"${limit.policy}";q=${limit.requestsMax};w=${seconds(limit.windowMs)}`).join(', '),
    ratelimit: `"${tightest.limit.policy}";r=${remainingOf(tightest)};t=${seconds(tightest.count.remainingMs)}`,
  };
}

/** Seconds until every exceeded limit lets pass again; null while none is. */
export function retryAfterSeconds(verdicts: readonly Verdict[]): number | null {
  const exceeded = verdicts.filter(isExceeded);
  return exceeded.length === 0 ? null : Math.max(...exceeded.map(({ count }) => seconds(count.remainingMs)));
}

function remainingOf({ limit, count }: Verdict): number {
  return Math.max(0, limit.requestsMax - count.requests);
}

function seconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1_000));
}
