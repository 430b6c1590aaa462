import { describe, expect, it } from 'vitest';
import { diceOf, FAULT_KINDS, FAULT_ROLES, planFaults } from './plan.ts';

const MINUTE_MS = 60_000;

describe('planFaults', () => {
  it('gives the same plan for the same seed, and another for another', () => {
    expect(planFaults(7, 2 * MINUTE_MS)).toEqual(planFaults(7, 2 * MINUTE_MS));
    expect(planFaults(7, 2 * MINUTE_MS)).not.toEqual(planFaults(8, 2 * MINUTE_MS));
  });

  it('lays a longer run on top of a shorter one', () => {
    const short = planFaults(3, MINUTE_MS);
    expect(planFaults(3, 5 * MINUTE_MS).slice(0, short.length)).toEqual(short);
  });

  it.each([1, 2, 3, 42, 2 ** 31 - 1])('holds every kind, and a kill and a freeze of every role, in ten minutes of seed %i', (seed) => {
    const faults = planFaults(seed, 10 * MINUTE_MS);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));
    for (const kind of ['kill-role', 'freeze-role']) expect(new Set(faults.filter((fault) => fault.kind === kind).map(({ target }) => target))).toEqual(new Set(FAULT_ROLES));
  });

  it('holds nearly every kind in 70 seconds', () => {
    for (let seed = 1; seed <= 20; seed += 1) expect(new Set(planFaults(seed, 70_000).map(({ kind }) => kind)).size).toBeGreaterThan(FAULT_KINDS.length * 0.8);
  });

  it('is in order of time, within its length, and freezes beyond the heartbeat timeout', () => {
    const faults = planFaults(5, 3 * MINUTE_MS);
    expect(faults.map(({ atMs }) => atMs)).toEqual(faults.map(({ atMs }) => atMs).toSorted((left, right) => left - right));
    expect(faults.every(({ atMs, durationMs }) => atMs > 0 && atMs < 3 * MINUTE_MS && durationMs <= 15_000)).toBe(true);
    expect(faults.filter(({ kind }) => kind === 'freeze-role').every(({ durationMs }) => durationMs > 8_000)).toBe(true);
    expect(faults.filter(({ kind }) => kind === 'reorg').every(({ amount }) => amount >= 1 && amount <= 3)).toBe(true);
  });
});

describe('diceOf', () => {
  it('keeps its streams apart', () => {
    const numbers = (stream: number): number[] => {
      const dice = diceOf(1, stream);
      return Array.from({ length: 20 }, () => dice.between(0, 1_000_000));
    };
    expect(numbers(1)).not.toEqual(numbers(2));
  });

  it('shuffles without losing anything', () => {
    const items = Array.from({ length: 30 }, (_, index) => index);
    expect(diceOf(9, 1).shuffled(items).toSorted((left, right) => left - right)).toEqual(items);
  });
});
