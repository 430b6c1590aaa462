import { describe, expect, it } from 'vitest';
import { pauseMs, RETRY_PROFILES } from './retry-profiles.ts';

describe('pauseMs', () => {
  it('doubles from one second, ten minutes at most, for a few tries', () => {
    expect([1, 2, 3, 4, 10, 11, 60].map((failures) => pauseMs(RETRY_PROFILES['few-tries'], failures))).toEqual([1_000, 2_000, 4_000, 8_000, 512_000, 600_000, 600_000]);
  });

  it('stays within ten seconds for what is waited out', () => {
    expect([1, 2, 5, 6, 1_000].map((failures) => pauseMs(RETRY_PROFILES['wait-out'], failures))).toEqual([500, 1_000, 8_000, 10_000, 10_000]);
  });
});
