import { assert, integer, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptedAtOf, isRequestId, makeRequestId, requestIdOf, workflowIdOf } from './request-id.ts';

/** Thirteen digits of milliseconds: from 2001-09-09 to 2286-11-20. */
const now = integer({ min: 0, max: 9_000_000_000 }).map((offset) => 1_000_000_000_000 + offset * 999);
const random = uint8Array({ minLength: 10, maxLength: 10 });

describe('makeRequestId', () => {
  it('writes the time and every random byte', () => {
    expect(makeRequestId(1_700_000_000_000, Uint8Array.from([0, 1, 15, 16, 127, 128, 200, 254, 255, 10]))).toBe('tx-1700000000000-00010f107f80c8feff0a');
  });

  it.each([0, 9, 11, 20])('refuses %i random bytes', (length) => {
    expect(() => makeRequestId(1_700_000_000_000, new Uint8Array(length))).toThrow(RangeError);
  });

  it('makes ids it knows again, different for different randomness', () => {
    assert(
      property(now, random, random, (nowMs, left, right) => {
        const id = makeRequestId(nowMs, left);
        expect(isRequestId(id)).toBe(true);
        expect(id === makeRequestId(nowMs, right)).toBe(Buffer.from(left).equals(right));
        expect(requestIdOf(workflowIdOf(id))).toBe(id);
        expect(acceptedAtOf(id).getTime()).toBe(nowMs);
      }),
    );
  });

  it('sorts by time', () => {
    assert(
      property(now, now, random, random, (left, right, leftRandom, rightRandom) => {
        expect(left >= right || makeRequestId(left, leftRandom) < makeRequestId(right, rightRandom)).toBe(true);
      }),
    );
  });
});

describe('isRequestId', () => {
  it.each([
    '',
    'tx-',
    'tx-1700000000000-',
    'tx-1700000000000-00010f107f80c8feff0',
    'tx-1700000000000-00010f107f80c8feff0a0',
    'tx-1700000000000-00010F107F80C8FEFF0A',
    'tx-170000000000-00010f107f80c8feff0a',
    'TX-1700000000000-00010f107f80c8feff0a',
    ' tx-1700000000000-00010f107f80c8feff0a',
    'tx-1700000000000-00010f107f80c8feff0a\n',
    "tx-1700000000000-' OR 1=1 --aaaaaaaaa",
    'withdrawal-tx-1700000000000-00010f107f80c8feff0a',
  ])('refuses %j', (text) => {
    expect(isRequestId(text)).toBe(false);
  });
});

describe('workflowIdOf', () => {
  it('is the published name', () => {
    expect(workflowIdOf('tx-1700000000000-00010f107f80c8feff0a')).toBe('withdrawal-tx-1700000000000-00010f107f80c8feff0a');
  });
});

describe('acceptedAtOf', () => {
  it.each(['', 'tx-1', 'withdrawal-tx-1700000000000-00112233445566778899'])('refuses %j', (text) => {
    expect(() => acceptedAtOf(text)).toThrow(RangeError);
  });
});
