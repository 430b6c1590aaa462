import { describe, expect, it } from 'vitest';
import { judgeAttempt, retryAfterMs } from './webhooks.ts';

const WAITS = [10, 60];
const NOW = new Date('2026-11-24T04:20:00.000Z');
const status = (statusCode: number, retryAfter: number | null = null) => ({ statusCode, retryAfterMs: retryAfter });

describe('judgeAttempt', () => {
  it.each([200, 201, 204, 299])('takes %i for delivered', (code) => {
    expect(judgeAttempt(status(code), 0, WAITS, 0)).toEqual({ kind: 'delivered' });
  });

  it.each([100, 199, 300, 301, 308, 400, 401, 404, 429, 500, 503, 599])('tries again after %i', (code) => {
    expect(judgeAttempt(status(code), 0, WAITS, 0)).toEqual({ kind: 'retry', waitMs: 10_000 });
  });

  it('ends with 410, even at the first attempt', () => {
    expect(judgeAttempt(status(410), 0, WAITS, 0)).toEqual({ kind: 'gone' });
  });

  it('waits by the schedule, makes one attempt more than there are waits, and then gives up', () => {
    const failed = { error: 'TIMED_OUT' } as const;
    expect([0, 1, 2].map((failures) => judgeAttempt(failed, failures, WAITS, 0))).toEqual([{ kind: 'retry', waitMs: 10_000 }, { kind: 'retry', waitMs: 60_000 }, { kind: 'exhausted' }]);
    expect(judgeAttempt(failed, 0, [], 0)).toEqual({ kind: 'exhausted' });
  });

  it('adds up to a fifth, never less than the schedule', () => {
    expect(judgeAttempt(status(500), 0, WAITS, 0.5)).toEqual({ kind: 'retry', waitMs: 11_000 });
    expect(judgeAttempt(status(500), 0, WAITS, 1)).toEqual({ kind: 'retry', waitMs: 12_000 });
  });

  it.each([429, 503])('waits as long as a receiver that answers %i asks for, an hour at most', (code) => {
    expect(judgeAttempt(status(code, 30_000), 0, WAITS, 0)).toEqual({ kind: 'retry', waitMs: 30_000 });
    expect(judgeAttempt(status(code, 1_000), 0, WAITS, 0)).toEqual({ kind: 'retry', waitMs: 10_000 });
    expect(judgeAttempt(status(code, 86_400_000), 0, WAITS, 0)).toEqual({ kind: 'retry', waitMs: 3_600_000 });
  });

  it('lets nobody else ask for a wait', () => {
    expect(judgeAttempt(status(500, 30_000), 0, WAITS, 0)).toEqual({ kind: 'retry', waitMs: 10_000 });
  });
});

describe('retryAfterMs', () => {
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['Tue, 24 Nov 2026 04:20:30 GMT', 30_000],
    ['Tue, 24 Nov 2026 04:00:00 GMT', 0],
    ['soon', null],
    ['-5', null],
    ['1.5', null],
    ['2026-11-24', null],
    [undefined, null],
  ])('reads %s as %s', (header, expected) => {
    expect(retryAfterMs(header, NOW)).toBe(expected);
  });
});
