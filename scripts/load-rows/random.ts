import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Chance that comes out the same for the same seed. */
export interface Chance {
  /** 0 ≤ x < 1 */
  next(): number;
  /** a whole number below `bound` */
  below(bound: number): number;
  pick<T>(items: readonly T[]): T;
  /** that many bytes, as hex digits */
  hex(bytes: number): string;
  /** around `median`, now and then far above it: what waiting times look like */
  lateness(median: number): number;
}

export function chanceFrom(seed: number): Chance {
  const generator = xoroshiro128plus(seed);
  const word = () => uniformInt(generator, 0, 0xff_ff_ff_ff);
  const next = () => word() / 0x1_00_00_00_00;
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    next,
    below,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    hex(bytes) {
      let text = '';
      while (text.length < bytes * 2) text += word().toString(16).padStart(8, '0');
      return text.slice(0, bytes * 2);
    },
    // Log-normal by the sum of four uniform numbers, near enough to a bell.
    lateness: (median) => median * Math.exp((next() + next() + next() + next() - 2) * 0.9),
  };
}
