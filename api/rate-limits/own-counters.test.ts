import { describe, expect, it } from 'vitest';
import type { Limit } from './limit.ts';
import { createOwnCounters } from './own-counters.ts';

const limit = (key: string): Limit => ({ policy: 'guesses', key, requestsMax: 2, windowMs: 60_000 });

describe('own counters', () => {
  it('count by key, and begin again when the window has ended', () => {
    let nowMs = 1_000;
    const count = createOwnCounters(() => nowMs);
    expect(count(limit('a'))).toEqual({ requests: 1, remainingMs: 60_000 });
    nowMs += 59_999;
    expect(count(limit('a'))).toEqual({ requests: 2, remainingMs: 1 });
    expect(count(limit('b'))).toEqual({ requests: 1, remainingMs: 60_000 });
    nowMs += 1;
    expect(count(limit('a'))).toEqual({ requests: 1, remainingMs: 60_000 });
  });

  it('forget the longest silent caller first, and never grow past their size', () => {
    const count = createOwnCounters(() => 0);
    count(limit('first'));
    for (let index = 0; index < 20_000; index += 1) count(limit(`other-${index}`));
    expect(count(limit('other-19999')).requests).toBe(2);
    expect(count(limit('first')).requests).toBe(1);
  });
});
