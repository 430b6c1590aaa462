import type { AttemptPurpose, NonceState } from './status.ts';

/** What the database shows of a request, read while its row and its live reservation are locked. */
export interface CommitView {
  ended: boolean;
  /** a wish to cancel was committed: from then on nothing that pays is */
  cancelIntended: boolean;
  /** it waits for a person: only a retry lets anything that pays be committed again */
  parked: boolean;
  /** the nonce the request holds now */
  reservation: { id: number; generation: number; state: NonceState } | null;
  /** the newest attempt committed on that nonce */
  newest: { ordinal: number; purpose: AttemptPurpose } | null;
}

/** Bytes somebody has signed, and the reservation they were signed for. */
export interface SignedAttempt {
  reservationId: number;
  generation: number;
  ordinal: number;
  purpose: AttemptPurpose;
}

export type CommitDecision =
  | { kind: 'commit' }
  /** another signer was first: its bytes stand, these are forgotten unsent */
  | { kind: 'repeat' }
  /** these bytes pay, and the request is to be cancelled */
  | { kind: 'cancelled' }
  | {
      kind: 'refuse';
      reason:
        /** nothing is ever committed for a request that has ended */
        | 'ended'
        /** the nonce passed to somebody else, or was settled, while these bytes were signed */
        | 'nonce-taken-back'
        /** these bytes pay, and the request was parked while they were signed */
        | 'parked'
        /** these bytes pay, and something that pays nobody was committed on their nonce */
        | 'voiding'
        /** these bytes pay nobody, and a payment came first: sign again, on top of it */
        | 'outrun'
        /** an attempt before these bytes is missing */
        | 'gap';
    };

/**
 * The border after which money may move: whether signed bytes may be committed, so that they may be sent. A signer that
 * slept through an end, a cancellation, a voiding or the loss of its nonce commits nothing.
 */
export function mayCommit(view: CommitView, attempt: SignedAttempt): CommitDecision {
  const { reservation, newest } = view;
  if (view.ended) return { kind: 'refuse', reason: 'ended' };
  if (reservation === null || reservation.id !== attempt.reservationId || reservation.generation !== attempt.generation) return { kind: 'refuse', reason: 'nonce-taken-back' };
  if (newest !== null && newest.ordinal >= attempt.ordinal) {
    return attempt.purpose === 'VOID' && newest.purpose === 'PAY' ? { kind: 'refuse', reason: 'outrun' } : { kind: 'repeat' };
  }
  if (attempt.purpose === 'PAY') {
    if (view.cancelIntended) return { kind: 'cancelled' };
    if (view.parked) return { kind: 'refuse', reason: 'parked' };
    if (reservation.state === 'VOIDING') return { kind: 'refuse', reason: 'voiding' };
  }
  if (attempt.ordinal !== (newest?.ordinal ?? -1) + 1) return { kind: 'refuse', reason: 'gap' };
  return { kind: 'commit' };
}

/** Whether a nonce may be given to somebody else: only while no bytes were ever committed on it. */
export function mayFree(reservation: { state: NonceState; attempts: number }): boolean {
  return reservation.state === 'RESERVED' && reservation.attempts === 0;
}
