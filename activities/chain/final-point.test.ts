import { describe, expect, it } from 'vitest';
import { createFinalPoint } from './final-point.ts';

describe('the final point', () => {
  it('rises and never falls by an answer', () => {
    const point = createFinalPoint();
    expect(point.number()).toBe(-1);
    for (const [answered, expected] of [
      [10, 10],
      [7, 10],
      [10, 10],
      [12, 12],
      [0, 12],
    ] as const) {
      point.advance(answered);
      expect(point.number()).toBe(expected);
    }
  });

  it('says whether blocks that left the chain were final', () => {
    const point = createFinalPoint();
    point.advance(10);
    expect(point.undoAbove(12)).toBe(false);
    expect(point.undoAbove(10)).toBe(false);
    expect(point.number()).toBe(10);
    expect(point.undoAbove(9)).toBe(true);
    expect(point.number()).toBe(9);
    // The same fork seen again undoes nothing more.
    expect(point.undoAbove(9)).toBe(false);
  });

  it('calls nothing final in place of what was undone, before the chain has gone beyond it', () => {
    const point = createFinalPoint();
    point.advance(10);
    point.undoAbove(4);
    for (const answered of [5, 9, 10]) {
      point.advance(answered);
      expect(point.number()).toBe(4);
    }
    point.advance(11);
    expect(point.number()).toBe(11);
  });
});
