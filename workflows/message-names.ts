/** Names of the signals a withdrawal takes, apart from the workflow SDK so that any process may import them. */
export const CANCEL_SIGNAL = 'cancel';
export const RETRY_SIGNAL = 'retry';
export const MARK_PAID_SIGNAL = 'markPaid';

/** Each both a signal and an update of one name: the signal for hands, the update for the API, which wants an answer. */
export const APPROVE_MESSAGE = 'approve';
export const REJECT_MESSAGE = 'reject';

/** Name of the signal a wallet's guardian takes. */
export const LOOK_NOW_SIGNAL = 'lookNow';
