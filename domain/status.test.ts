import { describe, expect, it } from 'vitest';
import { CANCELLATION_RESULTS, cancellationResultOf, canFollow, END_STATUSES, isEnd, OUTCOMES, outcomeOf, predecessorsOf, WITHDRAWAL_STATUSES, type Outcome, type WithdrawalStatus } from './status.ts';

const everyPair = WITHDRAWAL_STATUSES.flatMap((from) => WITHDRAWAL_STATUSES.map((to) => ({ from, to })));

/** Every status that can be entered on some way out of `start`. */
function reachableFrom(start: WithdrawalStatus): Set<WithdrawalStatus> {
  const seen = new Set<WithdrawalStatus>();
  const queue: WithdrawalStatus[] = [start];
  for (let from = queue.pop(); from !== undefined; from = queue.pop()) {
    const here = from;
    for (const to of WITHDRAWAL_STATUSES.filter((status) => canFollow(here, status) && !seen.has(status))) {
      seen.add(to);
      queue.push(to);
    }
  }
  return seen;
}

describe('transitions', () => {
  it.each(END_STATUSES)('nothing leaves %s', (end) => {
    expect(WITHDRAWAL_STATUSES.filter((to) => canFollow(end, to))).toEqual([]);
  });

  it('no status follows itself: a repeated step writes no second event', () => {
    expect(WITHDRAWAL_STATUSES.filter((status) => canFollow(status, status))).toEqual([]);
  });

  it.each(WITHDRAWAL_STATUSES.filter((status) => status !== 'PENDING'))('a new withdrawal can come to %s', (status) => {
    expect(reachableFrom('PENDING')).toContain(status);
  });

  it.each(WITHDRAWAL_STATUSES.filter((status) => !isEnd(status)))('%s has a way to an end', (status) => {
    expect([...reachableFrom(status)].some((to) => isEnd(to))).toBe(true);
  });

  it.each(WITHDRAWAL_STATUSES.filter((status) => !isEnd(status) && status !== 'DEAD_LETTERED'))('%s can be parked for a person', (status) => {
    expect(canFollow(status, 'DEAD_LETTERED')).toBe(true);
  });

  it.each(['PENDING', 'AWAITING_APPROVAL', 'AWAITING_FUNDS', 'SIGNING'] as const)('%s cannot complete: nothing was sent yet', (status) => {
    expect(canFollow(status, 'COMPLETED')).toBe(false);
  });

  it.each(['SIGNED', 'BROADCASTING'] as const)('%s neither fails nor is cancelled by itself: the bytes may be out', (status) => {
    expect(END_STATUSES.filter((end) => canFollow(status, end))).toEqual([]);
  });

  it('a reorg takes CONFIRMING back to BROADCASTED', () => {
    expect(canFollow('CONFIRMING', 'BROADCASTED')).toBe(true);
  });

  it('predecessorsOf names exactly the statuses that canFollow allows', () => {
    for (const { from, to } of everyPair) expect({ from, to, named: predecessorsOf(to).includes(from) }).toEqual({ from, to, named: canFollow(from, to) });
  });
});

describe('isEnd', () => {
  it('is true for the ends and nothing else', () => {
    expect(WITHDRAWAL_STATUSES.filter((status) => isEnd(status))).toEqual([...END_STATUSES]);
  });
});

describe('outcomeOf', () => {
  const withoutPayment: Record<WithdrawalStatus, Outcome> = {
    PENDING: 'NOT_SENT',
    AWAITING_APPROVAL: 'NOT_SENT',
    AWAITING_FUNDS: 'NOT_SENT',
    SIGNING: 'NOT_SENT',
    SIGNED: 'NOT_SENT',
    BROADCASTING: 'NOT_SENT',
    BROADCASTED: 'NOT_SENT',
    CONFIRMING: 'NOT_SENT',
    DEAD_LETTERED: 'NOT_SENT',
    COMPLETED: 'PAID',
    FAILED: 'NOT_PAID',
    REJECTED: 'NOT_PAID',
    CANCELLED: 'NOT_PAID',
  };

  it.each(Object.entries(withoutPayment) as [WithdrawalStatus, Outcome][])('%s without signed bytes that pay is %s', (status, outcome) => {
    expect(outcomeOf(status, false)).toBe(outcome);
  });

  it.each(WITHDRAWAL_STATUSES.filter((status) => !isEnd(status)))('%s with signed bytes that pay is UNKNOWN', (status) => {
    expect(outcomeOf(status, true)).toBe('UNKNOWN');
  });

  it('reaches every outcome there is', () => {
    const reached = WITHDRAWAL_STATUSES.flatMap((status) => [outcomeOf(status, true), outcomeOf(status, false)]);
    expect(new Set(reached)).toEqual(new Set(OUTCOMES));
  });
});

describe('cancellationResultOf', () => {
  it('says what came of the wish', () => {
    expect(cancellationResultOf('CANCELLED', false)).toBe('cancelled');
    expect(cancellationResultOf('COMPLETED', true)).toBe('paid-first');
    expect(cancellationResultOf('FAILED', false)).toBe('failed-first');
    expect(cancellationResultOf('REJECTED', false)).toBe('failed-first');
    // Paid differently than asked, and waiting for a person.
    expect(cancellationResultOf('DEAD_LETTERED', true)).toBe('paid-first');
  });

  it.each(WITHDRAWAL_STATUSES.filter((status) => !isEnd(status)))('is pending in %s', (status) => {
    expect(cancellationResultOf(status, false)).toBe('pending');
  });

  it('reaches every result there is', () => {
    const reached = WITHDRAWAL_STATUSES.flatMap((status) => [cancellationResultOf(status, true), cancellationResultOf(status, false)]);
    expect(new Set(reached)).toEqual(new Set(CANCELLATION_RESULTS));
  });
});
