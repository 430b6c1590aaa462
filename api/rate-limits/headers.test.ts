import { describe, expect, it } from 'vitest';
import { rateLimitHeaders, retryAfterSeconds } from './headers.ts';
import type { Verdict } from './limit.ts';

const verdict = (policy: string, requestsMax: number, requests: number, remainingMs = 700, windowMs = 1_000): Verdict => ({ limit: { policy, key: 'x', requestsMax, windowMs }, count: { requests, remainingMs } });

describe('rateLimitHeaders', () => {
  it('names every policy, and shows what the tightest leaves', () => {
    expect(rateLimitHeaders([verdict('address', 600, 3), verdict('guesses', 120, 3, 41_200, 60_000)])).toEqual({
      'ratelimit-policy': '"address";q=600;w=1, "guesses";q=120;w=60',
      ratelimit: '"guesses";r=117;t=42',
    });
  });

  it('never counts below nothing, and says of two exhausted ones which lasts longer', () => {
    expect(rateLimitHeaders([verdict('address', 5, 9), verdict('guesses', 2, 3, 59_000, 60_000)])?.ratelimit).toBe('"guesses";r=0;t=59');
  });

  it('is absent where nothing was counted', () => {
    expect(rateLimitHeaders([])).toBeNull();
  });
});

describe('retryAfterSeconds', () => {
  it('is the longest wait of those exceeded, and agrees with the header', () => {
    const verdicts = [verdict('address', 5, 6, 100), verdict('guesses', 2, 3, 30_001, 60_000), verdict('account', 9, 1, 50_000, 60_000)];
    expect(retryAfterSeconds(verdicts)).toBe(31);
    expect(rateLimitHeaders(verdicts)?.ratelimit).toBe('"guesses";r=0;t=31');
  });

  it('is null at the limit itself', () => {
    expect(retryAfterSeconds([verdict('address', 5, 5)])).toBeNull();
  });
});
