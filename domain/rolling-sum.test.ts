import { array, assert, bigInt, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RollingSum } from './rolling-sum.ts';

describe('RollingSum', () => {
  it('sums what falls after the one instant and not after the other', () => {
    const sum = new RollingSum();
    for (const [at, amount] of [[10, 1n], [20, 2n], [20, 4n], [30, 8n]] as const) sum.add(at, amount);
    expect(sum.within(10, 20)).toEqual({ total: 6n, count: 2 });
    expect(sum.within(9, 30)).toEqual({ total: 15n, count: 4 });
    expect(sum.within(30, 30)).toEqual({ total: 0n, count: 0 });
    expect(sum.within(30, 10)).toEqual({ total: 0n, count: 0 });
  });

  it('takes back what was added, and nothing else', () => {
    const sum = new RollingSum();
    sum.add(10, 1n);
    sum.add(10, 2n);
    sum.remove(10, 1n);
    expect(sum.within(0, 10)).toEqual({ total: 2n, count: 1 });
    expect(() => sum.remove(10, 1n)).toThrow('nothing to take back');
    expect(() => sum.remove(11, 2n)).toThrow('nothing to take back');
  });

  it('comes to what adding up comes to, in whatever order and whatever is forgotten', () => {
    const entry = record({ at: integer({ min: 0, max: 50 }), amount: bigInt({ min: 0n, max: 10n ** 30n }) });
    assert(
      property(array(entry, { maxLength: 60 }), integer({ min: 0, max: 50 }), integer({ min: 0, max: 50 }), integer({ min: -1, max: 50 }), (entries, from, until, forgotten) => {
        const sum = new RollingSum();
        for (const { at, amount } of entries) {
          sum.add(at, amount);
          sum.within(from, until);
        }
        const removed = entries.filter((_, index) => index % 3 === 0);
        for (const { at, amount } of removed) sum.remove(at, amount);
        sum.forget(forgotten);
        const left = entries.filter((_, index) => index % 3 !== 0).filter(({ at }) => at > forgotten && at > from && at <= until);
        expect(sum.within(from, until)).toEqual({ total: left.reduce((total, { amount }) => total + amount, 0n), count: left.length });
      }),
    );
  });
});
