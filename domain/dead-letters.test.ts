import { describe, expect, it } from 'vitest';
import { whyNot, type ParkedFacts } from './dead-letters.ts';
import { END_STATUSES, isEnd, WITHDRAWAL_STATUSES } from './status.ts';

const parked: ParkedFacts = { status: 'DEAD_LETTERED', errorCode: 'KEY_INVALID', paidTxHash: null, cancelIntentAt: null };
const all = (facts: ParkedFacts) => [whyNot('retry', facts), whyNot('cancel', facts), whyNot('mark-paid', facts)];

describe('whyNot', () => {
  it('allows everything for a plain dead letter', () => {
    expect(all(parked)).toEqual([null, null, null]);
  });

  it.each(END_STATUSES)('allows nothing once it is %s', (status) => {
    expect(all({ ...parked, status })).toEqual(['ended', 'ended', 'ended']);
  });

  it('never pays again, nor calls unpaid, what has moved money', () => {
    expect(all({ ...parked, errorCode: 'PAYMENT_MISMATCH', paidTxHash: '0xab' })).toEqual(['money-moved', 'payment-mined', null]);
  });

  it('waits for the chain while a person says it was paid', () => {
    expect(all({ ...parked, errorCode: 'PAID_BY_HAND' })).toEqual(['claimed-paid', 'paid-by-hand', null]);
  });

  it('takes no retry against a cancellation', () => {
    expect(all({ ...parked, cancelIntentAt: new Date() })).toEqual(['cancel-requested', null, null]);
  });

  it.each(WITHDRAWAL_STATUSES.filter((status) => !isEnd(status) && status !== 'DEAD_LETTERED'))('has nothing to retry while it is %s', (status) => {
    expect(whyNot('retry', { ...parked, status })).toBe('not-parked');
  });
});
