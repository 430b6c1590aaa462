import { defineSignal } from '@temporalio/workflow';
import { CANCEL_SIGNAL, LOOK_NOW_SIGNAL, RETRY_SIGNAL } from './message-names.ts';

/** Asks the withdrawal to stop before it pays. Safe by hand: what may still be cancelled is decided in the database and on chain. */
export const cancelSignal = defineSignal(CANCEL_SIGNAL);

/** Sends a parked withdrawal back to work. Safe by hand: a retry never takes a new nonce unless the old one was finally consumed unpaid. */
export const retrySignal = defineSignal(RETRY_SIGNAL);

/** Lets a guardian look at its wallet at once instead of after its pause. */
export const lookNowSignal = defineSignal(LOOK_NOW_SIGNAL);
