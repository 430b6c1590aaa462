import { assert, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeNonce } from './nonce-progress.ts';

describe('why a nonce is unmined', () => {
  it.each([
    ['mined already, or by another', 4, { latest: 5, pending: 9 }, 'waiting'],
    ['the lowest, its bytes known', 5, { latest: 5, pending: 6 }, 'stuck'],
    ['behind the lowest', 6, { latest: 5, pending: 9 }, 'waiting'],
    ['the lowest, and no node holds it', 5, { latest: 5, pending: 5 }, 'lost'],
    ['no node holds it', 9, { latest: 5, pending: 9 }, 'lost'],
    ['the last whose turn it is', 24, { latest: 5, pending: 9 }, 'lost'],
    ['beyond what a node keeps', 25, { latest: 5, pending: 9 }, 'waiting'],
    ['the lowest, where the pending count lags', 5, { latest: 5, pending: 3 }, 'lost'],
    ['mined, where the pending count lags', 4, { latest: 5, pending: 3 }, 'waiting'],
  ] as const)('%s', (_case, nonce, counts, expected) => {
    expect(judgeNonce(nonce, counts)).toBe(expected);
  });

  it('never calls two nonces of a wallet stuck, and calls a bounded number lost', () => {
    assert(
      property(nat(2_000), nat(2_000), (latest, pending) => {
        const judged = Array.from({ length: 3_000 }, (_, nonce) => judgeNonce(nonce, { latest, pending }));
        expect(judged.filter((progress) => progress === 'stuck').length).toBeLessThanOrEqual(1);
        expect(judged.filter((progress) => progress === 'lost').length).toBeLessThanOrEqual(16);
        expect(judged.slice(0, latest)).not.toContain('lost');
      }),
      { numRuns: 50 },
    );
  });
});
