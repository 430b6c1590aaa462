/**
 * The one source of truth for every status the engine knows. MySQL enums, JSON schemas and the Temporal
 * search attribute derive from these objects; nothing else spells a status.
 */

export const WITHDRAWAL_STATUSES = [
  'PENDING',
  'AWAITING_APPROVAL',
  'AWAITING_FUNDS',
  'SIGNING',
  'SIGNED',
  'BROADCASTING',
  'BROADCASTED',
  'CONFIRMING',
  'DEAD_LETTERED',
  'COMPLETED',
  'FAILED',
  'REJECTED',
  'CANCELLED',
] as const;
export type WithdrawalStatus = (typeof WITHDRAWAL_STATUSES)[number];

export const END_STATUSES = ['COMPLETED', 'FAILED', 'REJECTED', 'CANCELLED'] as const satisfies readonly WithdrawalStatus[];
export type EndStatus = (typeof END_STATUSES)[number];

/**
 * Which status may follow which. `SIGNING` may follow any later step because a nonce that was finally
 * consumed without paying sends the withdrawal back (to be signed anew, or to be cancelled); `BROADCASTED` may follow `CONFIRMING`
 * because a reorg takes a receipt away. Nothing follows an end.
 */
const TRANSITIONS: Record<WithdrawalStatus, readonly WithdrawalStatus[]> = {
  PENDING: ['AWAITING_APPROVAL', 'AWAITING_FUNDS', 'SIGNING', 'DEAD_LETTERED', 'FAILED', 'REJECTED', 'CANCELLED'],
  AWAITING_APPROVAL: ['PENDING', 'AWAITING_FUNDS', 'SIGNING', 'DEAD_LETTERED', 'FAILED', 'REJECTED', 'CANCELLED'],
  AWAITING_FUNDS: ['PENDING', 'AWAITING_APPROVAL', 'SIGNING', 'DEAD_LETTERED', 'FAILED', 'REJECTED', 'CANCELLED'],
  SIGNING: ['SIGNED', 'AWAITING_FUNDS', 'DEAD_LETTERED', 'FAILED', 'REJECTED', 'CANCELLED'],
  SIGNED: ['BROADCASTING', 'CONFIRMING', 'SIGNING', 'DEAD_LETTERED'],
  BROADCASTING: ['BROADCASTED', 'CONFIRMING', 'SIGNED', 'SIGNING', 'DEAD_LETTERED'],
  BROADCASTED: ['CONFIRMING', 'BROADCASTING', 'SIGNED', 'SIGNING', 'DEAD_LETTERED', 'FAILED', 'CANCELLED', 'COMPLETED'],
  CONFIRMING: ['BROADCASTED', 'COMPLETED', 'SIGNING', 'DEAD_LETTERED', 'FAILED', 'CANCELLED'],
  DEAD_LETTERED: ['PENDING', 'SIGNING', 'SIGNED', 'BROADCASTING', 'BROADCASTED', 'CONFIRMING', 'COMPLETED', 'FAILED', 'CANCELLED'],
  COMPLETED: [],
  FAILED: [],
  REJECTED: [],
  CANCELLED: [],
};

/** True when `to` may directly follow `from`. A status never "follows" itself. */
export function canFollow(from: WithdrawalStatus, to: WithdrawalStatus): boolean {
  return TRANSITIONS[from].includes(to);
}

/** All statuses from which `to` may be entered: the `WHERE status IN (…)` of every compare-and-set. */
export function predecessorsOf(to: WithdrawalStatus): readonly WithdrawalStatus[] {
  return WITHDRAWAL_STATUSES.filter((from) => canFollow(from, to));
}

/** True for the statuses nothing leaves. */
export function isEnd(status: WithdrawalStatus): status is EndStatus {
  return (END_STATUSES as readonly WithdrawalStatus[]).includes(status);
}

export const ATTEMPT_STATUSES = ['SIGNED', 'BROADCASTED', 'CONFIRMED', 'REPLACED', 'DROPPED', 'REVERTED'] as const;
export type AttemptStatus = (typeof ATTEMPT_STATUSES)[number];

/** What a signed transaction is for: it pays the recipient, or it consumes the nonce and pays nobody. */
export const ATTEMPT_PURPOSES = ['PAY', 'VOID'] as const;
export type AttemptPurpose = (typeof ATTEMPT_PURPOSES)[number];

/** The chain's view of a tracked hash. */
export const TRANSACTION_STATUSES = ['PENDING', 'SUCCEEDED', 'REVERTED'] as const;

/**
 * Life of a (chain, wallet, nonce): `RESERVED` holds no signed bytes yet and may be `FREED`; from `SIGNED` on only
 * the chain ends it. `VOIDING` forbids any further paying attempt. `CONSUMED` was mined by one of ours, `FOREIGN` by a
 * transaction this engine never signed.
 */
export const NONCE_STATES = ['RESERVED', 'SIGNED', 'VOIDING', 'CONSUMED', 'FREED', 'FOREIGN'] as const;
export type NonceState = (typeof NONCE_STATES)[number];

export const FUND_STATES = ['HELD', 'CONSUMED', 'RELEASED'] as const;
export type FundState = (typeof FUND_STATES)[number];

export const WALLET_STATUSES = ['ACTIVE', 'PAUSED', 'DRAINING', 'HALTED'] as const;
export type WalletStatus = (typeof WALLET_STATUSES)[number];

/** `APPROVER` decides on withdrawals and runs nothing; `AUDITOR` sees everything and changes nothing. */
export const ROLES = ['USER', 'ADMIN', 'APPROVER', 'AUDITOR'] as const;
export type Role = (typeof ROLES)[number];

export const OUTCOMES = ['NOT_SENT', 'UNKNOWN', 'PAID', 'NOT_PAID'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const CANCELLATION_RESULTS = ['pending', 'cancelled', 'paid-first', 'failed-first'] as const;
export type CancellationResult = (typeof CANCELLATION_RESULTS)[number];

/**
 * What has come of a wish to cancel.
 * @param hasPaid whether the chain has finally shown money of this withdrawal move, in full or not
 */
export function cancellationResultOf(status: WithdrawalStatus, hasPaid: boolean): CancellationResult {
  if (status === 'CANCELLED') return 'cancelled';
  if (status === 'COMPLETED' || hasPaid) return 'paid-first';
  return isEnd(status) ? 'failed-first' : 'pending';
}

/**
 * What is known of the money, beside the status.
 * @param hasLivePayment whether signed bytes that pay exist and the chain has not yet finally ruled on their nonce
 */
export function outcomeOf(status: WithdrawalStatus, hasLivePayment: boolean): Outcome {
  if (status === 'COMPLETED') return 'PAID';
  if (isEnd(status)) return 'NOT_PAID';
  return hasLivePayment ? 'UNKNOWN' : 'NOT_SENT';
}
