/** Names of the signals a withdrawal takes, apart from the workflow SDK so that any process may import them. */
export const CANCEL_SIGNAL = 'cancel';
export const RETRY_SIGNAL = 'retry';
export const MARK_PAID_SIGNAL = 'markPaid';

/** Name of the signal a wallet's guardian takes. */
export const LOOK_NOW_SIGNAL = 'lookNow';
