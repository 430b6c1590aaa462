import { isEnd, type WithdrawalStatus } from './status.ts';

/** What a person can say of a withdrawal that waits for one. */
export const DEAD_LETTER_ACTIONS = ['retry', 'cancel', 'mark-paid'] as const;
export type DeadLetterAction = (typeof DEAD_LETTER_ACTIONS)[number];

/**
 * Why a thing cannot be said now. For a retry: it goes on by itself, money left for it already, a person says it was paid and
 * the chain is being asked, or it is about to end unpaid. For a cancellation the words of its own call.
 */
export const ACTION_REFUSALS = ['ended', 'not-parked', 'money-moved', 'claimed-paid', 'cancel-requested', 'payment-mined', 'paid-by-hand'] as const;
export type ActionRefusal = (typeof ACTION_REFUSALS)[number];

export interface ParkedFacts {
  status: WithdrawalStatus;
  errorCode: string | null;
  /** set once the chain has finally shown a payment, even one that is not what was asked */
  paidTxHash: string | null;
  cancelIntentAt: Date | null;
}

/**
 * Why `action` would change nothing, or must not be taken; null where it is possible. The row is only a picture: the
 * database decides again when the action takes effect.
 */
export function whyNot(action: DeadLetterAction, { status, errorCode, paidTxHash, cancelIntentAt }: ParkedFacts): ActionRefusal | null {
  if (isEnd(status)) return 'ended';
  if (action === 'mark-paid') return null;
  if (action === 'retry' && status !== 'DEAD_LETTERED') return 'not-parked';
  if (paidTxHash !== null || status === 'CONFIRMING') return action === 'retry' ? 'money-moved' : 'payment-mined';
  if (status === 'DEAD_LETTERED' && errorCode === 'PAID_BY_HAND') return action === 'retry' ? 'claimed-paid' : 'paid-by-hand';
  // Said again, a cancellation is the same wish; a retry would be against it.
  return action === 'retry' && cancelIntentAt !== null ? 'cancel-requested' : null;
}
