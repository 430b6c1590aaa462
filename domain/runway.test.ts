import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOURS_MAX, hoursLeft, judgeRunway, spendPerHour } from './runway.ts';

const HOUR = 3_600_000;

describe('the rate', () => {
  it.each([
    ['nothing was spent', [], 0n],
    ['the last hour is busier than the day', [{ ms: HOUR, spent: 500n }, { ms: 24 * HOUR, spent: 2_400n }], 500n],
    ['the day is busier than the last hour', [{ ms: HOUR, spent: 0n }, { ms: 24 * HOUR, spent: 2_400n }], 100n],
    ['less than a base unit an hour is one', [{ ms: 24 * HOUR, spent: 1n }], 1n],
  ])('when %s', (_, windows, expected) => {
    expect(spendPerHour(windows)).toBe(expected);
  });
});

describe('the hours left', () => {
  it('are none where nothing is left, and without end where nothing is spent', () => {
    expect(hoursLeft(0n, 5n)).toBe(0);
    expect(hoursLeft(-7n, 5n)).toBe(0);
    expect(hoursLeft(100n, 0n)).toBeNull();
    expect(hoursLeft(10n, 4n)).toBe(2.5);
    expect(hoursLeft(10n ** 60n, 1n)).toBe(HOURS_MAX);
  });

  it('never promise more than there is, and fall as the rate rises', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 30n }), fc.bigInt({ min: 1n, max: 10n ** 26n }), fc.bigInt({ min: 0n, max: 10n ** 26n }), (available, rate, more) => {
        const hours = hoursLeft(available, rate) ?? Number.NaN;
        if (hours < HOURS_MAX) expect((BigInt(Math.round(hours * 100)) * rate) / 100n).toBeLessThanOrEqual(available);
        expect(hoursLeft(available, rate + more)).toBeLessThanOrEqual(hours);
      }),
    );
  });
});

describe('the call', () => {
  it.each([
    [5.99, false, 'short'],
    [6, false, 'between'],
    [7.49, false, 'between'],
    [7.5, false, 'ample'],
    [null, false, 'ample'],
    [null, true, 'short'],
    [1_000, true, 'short'],
  ] as const)('at %s hours, below the floor %s, is %s', (hours, belowFloor, expected) => {
    expect(judgeRunway(hours, belowFloor, 6)).toBe(expected);
  });
});
