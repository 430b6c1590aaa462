import { assert, boolean, constantFrom, integer, option, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayCommit, mayFree, type CommitView, type SignedAttempt } from './attempts.ts';
import { ATTEMPT_PURPOSES, NONCE_STATES } from './status.ts';

const VIEW: CommitView = { ended: false, cancelIntended: false, parked: false, reservation: { id: 7, generation: 2, state: 'RESERVED' }, newest: null };
const FIRST: SignedAttempt = { reservationId: 7, generation: 2, ordinal: 0, purpose: 'PAY' };
const signed = (changes: Partial<CommitView> = {}): CommitView => ({ ...VIEW, reservation: { id: 7, generation: 2, state: 'SIGNED' }, newest: { ordinal: 0, purpose: 'PAY' }, ...changes });
const voiding = (): CommitView => ({ ...VIEW, reservation: { id: 7, generation: 2, state: 'VOIDING' }, newest: { ordinal: 1, purpose: 'VOID' } });

describe('mayCommit', () => {
  it('takes the first attempt, a replacement, and what voids either', () => {
    expect(mayCommit(VIEW, FIRST)).toEqual({ kind: 'commit' });
    expect(mayCommit(signed(), { ...FIRST, ordinal: 1 })).toEqual({ kind: 'commit' });
    expect(mayCommit(signed(), { ...FIRST, ordinal: 1, purpose: 'VOID' })).toEqual({ kind: 'commit' });
    expect(mayCommit(voiding(), { ...FIRST, ordinal: 2, purpose: 'VOID' })).toEqual({ kind: 'commit' });
  });

  it('answers the second signer with the bytes of the first', () => {
    expect(mayCommit(signed(), FIRST)).toEqual({ kind: 'repeat' });
    expect(mayCommit(voiding(), { ...FIRST, ordinal: 1 })).toEqual({ kind: 'repeat' });
    expect(mayCommit(voiding(), { ...FIRST, ordinal: 1, purpose: 'VOID' })).toEqual({ kind: 'repeat' });
  });

  it('does not let a payment stand for what was to pay nobody', () => {
    expect(mayCommit(signed(), { ...FIRST, ordinal: 0, purpose: 'VOID' })).toEqual({ kind: 'refuse', reason: 'outrun' });
  });

  it('commits nothing that pays once the request is to be cancelled, and still voids', () => {
    expect(mayCommit({ ...VIEW, cancelIntended: true }, FIRST)).toEqual({ kind: 'cancelled' });
    expect(mayCommit(signed({ cancelIntended: true }), { ...FIRST, ordinal: 1 })).toEqual({ kind: 'cancelled' });
    expect(mayCommit(signed({ cancelIntended: true }), { ...FIRST, ordinal: 1, purpose: 'VOID' })).toEqual({ kind: 'commit' });
  });

  it.each([
    ['after an end', { ...VIEW, ended: true }, FIRST, 'ended'],
    ['on a nonce the request does not hold any more', { ...VIEW, reservation: null }, FIRST, 'nonce-taken-back'],
    ['on another nonce than the one it holds', VIEW, { ...FIRST, reservationId: 8 }, 'nonce-taken-back'],
    ['on a nonce that went to somebody else and came back', VIEW, { ...FIRST, generation: 1 }, 'nonce-taken-back'],
    ['that pays on a nonce that is being voided', voiding(), { ...FIRST, ordinal: 2 }, 'voiding'],
    ['over a missing attempt', signed(), { ...FIRST, ordinal: 2 }, 'gap'],
    ['over a missing first attempt', VIEW, { ...FIRST, ordinal: 1 }, 'gap'],
  ] satisfies [string, CommitView, SignedAttempt, string][])('commits nothing %s', (_when, view, attempt, reason) => {
    expect(mayCommit(view, attempt)).toEqual({ kind: 'refuse', reason });
  });

  it('whatever the view: commits only the next ordinal on the very reservation, and nothing that pays against a wish to cancel or a voiding', () => {
    const small = integer({ min: 0, max: 3 });
    const purpose = constantFrom(...ATTEMPT_PURPOSES);
    assert(
      property(
        record({ ended: boolean(), cancelIntended: boolean(), parked: boolean(), reservation: option(record({ id: small, generation: small, state: constantFrom(...NONCE_STATES) })), newest: option(record({ ordinal: small, purpose })) }),
        record({ reservationId: small, generation: small, ordinal: small, purpose }),
        (view, attempt) => {
          if (mayCommit(view, attempt).kind !== 'commit') return;
          expect(view).toMatchObject({ ended: false, reservation: { id: attempt.reservationId, generation: attempt.generation } });
          expect(attempt.ordinal).toBe((view.newest?.ordinal ?? -1) + 1);
          expect(attempt.purpose === 'PAY' && (view.cancelIntended || view.parked || view.reservation?.state === 'VOIDING')).toBe(false);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

describe('mayFree', () => {
  it.each(NONCE_STATES.flatMap((state) => [0, 1].map((attempts) => [state, attempts, state === 'RESERVED' && attempts === 0] as const)))('%s with %i attempts: %s', (state, attempts, free) => {
    expect(mayFree({ state, attempts })).toBe(free);
  });
});
