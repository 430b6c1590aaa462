import { rawValueTypeInfo } from '@temporalio/common';
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import { APPROVE_MESSAGE, CANCEL_SIGNAL, LOOK_NOW_SIGNAL, MARK_PAID_SIGNAL, REJECT_MESSAGE, RETRY_SIGNAL } from './message-names.ts';

/**
 * Arguments are not decoded here (`readArgument` does): a person's hand may send anything, and what the payload converter cannot read would fail the
 * workflow's task again and again. More of them than anybody sends by mistake.
 */
const unread = { typeInfo: { inputTypes: Array.from({ length: 8 }, () => rawValueTypeInfo) } };

/** Asks the withdrawal to stop before it pays. Safe by hand: what may still be cancelled is decided in the database and on chain. */
export const cancelSignal = defineSignal(CANCEL_SIGNAL, unread);

/**
 * Sends a parked withdrawal back to work. With the number of a dead letter it answers that one only, however late it comes and
 * however often it is said; without, whichever it waits by. Safe by hand: a retry never takes a new nonce unless the old one
 * was finally consumed unpaid.
 */
export const retrySignal = defineSignal(RETRY_SIGNAL, unread);

/**
 * Says that a person paid by hand, by the transaction named. Safe by hand: our own nonce is consumed without paying first,
 * and the chain has to show that payment.
 */
export const markPaidSignal = defineSignal(MARK_PAID_SIGNAL, unread);

/**
 * Says that somebody has approved, by the number of the approval's row. Safe by hand: the rows decide, each written and
 * sealed by the API, so a forged message, or one that a reset applies again, approves nothing. The number is for who reads the history.
 */
export const approveSignal = defineSignal(APPROVE_MESSAGE, unread);
export const rejectSignal = defineSignal(REJECT_MESSAGE, unread);

/** The same with an answer: refused with `INVALID_STATE` where nobody's approval is waited for. */
export const approveUpdate = defineUpdate<void>(APPROVE_MESSAGE, unread);
export const rejectUpdate = defineUpdate<void>(REJECT_MESSAGE, unread);

/** Lets a guardian look at its wallet at once instead of after its pause. */
export const lookNowSignal = defineSignal(LOOK_NOW_SIGNAL);
