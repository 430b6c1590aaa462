import { describe, expect, it } from 'vitest';
import { AT_PLACE, countGuess, FROM_EVERYWHERE, takenBack, type GuessCount } from './password-guesses.ts';

const START = Date.UTC(2026, 10, 28);
const at = (ms: number) => new Date(START + ms);

/** Tries again as soon as it may, `times` times; returns the waits in seconds. */
function waitsOf(rule: typeof AT_PLACE, times: number): number[] {
  let count: GuessCount | undefined;
  let now = START;
  return Array.from({ length: times }, () => {
    const guess = countGuess(rule, count, new Date(now));
    if (guess.kind !== 'counted') throw new Error('the wait was over');
    count = guess.next;
    const waitMs = (count.waitUntil?.getTime() ?? now) - now;
    now += waitMs;
    return waitMs / 1_000;
  });
}

function counted(rule: typeof AT_PLACE, before: GuessCount | undefined, now: Date): GuessCount {
  const guess = countGuess(rule, before, now);
  if (guess.kind !== 'counted') throw new Error('it has to wait');
  return guess.next;
}

describe('countGuess', () => {
  it('lets four mistakes pass, then doubles the wait from one second to a quarter of an hour', () => {
    expect(waitsOf(AT_PLACE, 18)).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
  });

  it('takes a hundred from everywhere together', () => {
    const waits = waitsOf(FROM_EVERYWHERE, 111);
    expect(waits.slice(0, 99).every((wait) => wait === 0)).toBe(true);
    expect(waits.slice(99)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  });

  it('says how long there is to wait, and counts nothing meanwhile', () => {
    const count: GuessCount = { failures: 7, waitUntil: at(4_000), fadesAt: at(3_604_000) };
    expect(countGuess(AT_PLACE, count, at(1_500))).toEqual({ kind: 'wait', retryAfterMs: 2_500 });
    expect(countGuess(AT_PLACE, count, at(4_000))).toMatchObject({ kind: 'counted', next: { failures: 8, waitUntil: at(12_000) } });
  });

  it('begins anew an hour after the last wait', () => {
    const count: GuessCount = { failures: 30, waitUntil: at(0), fadesAt: at(3_600_000) };
    expect(countGuess(AT_PLACE, count, at(3_599_999))).toMatchObject({ next: { failures: 31 } });
    expect(countGuess(AT_PLACE, count, at(3_600_000))).toMatchObject({ next: { failures: 1, waitUntil: null } });
  });
});

describe('takenBack', () => {
  it('leaves the count as it was before a right password', () => {
    const before: GuessCount = { failures: 6, waitUntil: at(2_000), fadesAt: at(3_602_000) };
    const mine = counted(AT_PLACE, before, at(2_000));
    expect(takenBack(mine, mine)).toMatchObject({ failures: 6, waitUntil: null });
  });

  it('gives whoever signs in between guesses not one guess more', () => {
    let count: GuessCount | undefined;
    for (let guess = 0; guess < 7; guess += 1) {
      const wrong = counted(AT_PLACE, count, count?.waitUntil ?? at(0));
      const right = counted(AT_PLACE, wrong, wrong.waitUntil ?? at(0));
      count = takenBack(right, right);
      expect(count.failures).toBe(guess + 1);
    }
  });

  it('leaves a wait that another guess has set meanwhile', () => {
    const mine = counted(AT_PLACE, { failures: 4, waitUntil: null, fadesAt: at(3_600_000) }, at(0));
    const other = counted(AT_PLACE, mine, at(1_000));
    expect(takenBack(other, mine)).toMatchObject({ failures: 5, waitUntil: other.waitUntil });
  });
});
