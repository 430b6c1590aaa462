import { defineSignal } from '@temporalio/workflow';
import { CANCEL_SIGNAL, LOOK_NOW_SIGNAL, MARK_PAID_SIGNAL, RETRY_SIGNAL } from './message-names.ts';

/** Asks the withdrawal to stop before it pays. Safe by hand: what may still be cancelled is decided in the database and on chain. */
export const cancelSignal = defineSignal(CANCEL_SIGNAL);

/** Sends a parked withdrawal back to work. Safe by hand: a retry never takes a new nonce unless the old one was finally consumed unpaid. */
export const retrySignal = defineSignal(RETRY_SIGNAL);

/**
 * Says that a person paid by hand, by the transaction named. Safe by hand: our own nonce is consumed without paying first,
 * and the chain has to show that payment.
 */
export const markPaidSignal = defineSignal<[string]>(MARK_PAID_SIGNAL);

/** Lets a guardian look at its wallet at once instead of after its pause. */
export const lookNowSignal = defineSignal(LOOK_NOW_SIGNAL);
