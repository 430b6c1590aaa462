import { PROFILE_OF_CLASS, type RetryProfileName } from './retry-profiles.ts';
import type { Outcome } from './status.ts';

/**
 * Every error the engine can show, by code: the one table of what it is and what is done about it. An error is a code with
 * parameters; only `api/` makes sentences of it.
 *
 * `class` steers the workflow: `permanent` never heals by itself, `transient` is retried by policy, `unknown` is
 * retried a bounded number of times and then parked for a person. `profile` names how it is tried again, where that is not
 * what its class says. `retryable` tells the caller whether the same request may succeed later. `seenBy: 'caller'` is what
 * only an HTTP call is answered with; every other code may stop a withdrawal, so it has an advice in every language.
 */
export const ERROR_CATALOGUE = {
  VALIDATION_FAILED: { class: 'permanent', retryable: false },
  INVALID_ADDRESS: { class: 'permanent', retryable: false },
  INVALID_AMOUNT: { class: 'permanent', retryable: false },
  UNSUPPORTED_CURRENCY: { class: 'permanent', retryable: false },
  UNSUPPORTED_NETWORK: { class: 'permanent', retryable: false },
  INSUFFICIENT_BALANCE: { class: 'transient', retryable: true },
  LIMIT_EXCEEDED: { class: 'permanent', retryable: false },
  ADDRESS_NOT_ALLOWED: { class: 'permanent', retryable: false },
  IDEMPOTENCY_CONFLICT: { class: 'permanent', retryable: false, seenBy: 'caller' },
  IDEMPOTENCY_KEY_REQUIRED: { class: 'permanent', retryable: false, seenBy: 'caller' },
  NOT_FOUND: { class: 'permanent', retryable: false, seenBy: 'caller' },
  UNAUTHENTICATED: { class: 'permanent', retryable: false, seenBy: 'caller' },
  FORBIDDEN: { class: 'permanent', retryable: false, seenBy: 'caller' },
  /** The settings say that operators open accounts. */
  REGISTRATION_CLOSED: { class: 'permanent', retryable: false, seenBy: 'caller' },
  /** Someone else has set the password: nothing else goes until it was changed. */
  PASSWORD_CHANGE_REQUIRED: { class: 'permanent', retryable: false, seenBy: 'caller' },
  RATE_LIMITED: { class: 'transient', retryable: true, seenBy: 'caller' },
  INVALID_STATE: { class: 'permanent', retryable: false },
  /** The request did not arrive whole in time. */
  REQUEST_TIMEOUT: { class: 'transient', retryable: true, seenBy: 'caller' },
  URI_TOO_LONG: { class: 'permanent', retryable: false, seenBy: 'caller' },
  PAYLOAD_TOO_LARGE: { class: 'permanent', retryable: false, seenBy: 'caller' },
  UNSUPPORTED_MEDIA_TYPE: { class: 'permanent', retryable: false, seenBy: 'caller' },
  /** The session has not shown its second factor, or too long ago. */
  SECOND_FACTOR_REQUIRED: { class: 'permanent', retryable: false, seenBy: 'caller' },
  SECOND_FACTOR_NOT_ENROLLED: { class: 'permanent', retryable: false, seenBy: 'caller' },
  /** A code that is wrong, too old or spent: which, it does not say. */
  SECOND_FACTOR_REFUSED: { class: 'permanent', retryable: false, seenBy: 'caller' },
  SERVICE_UNAVAILABLE: { class: 'transient', retryable: true },
  INTERNAL: { class: 'unknown', retryable: true },
  /** The token or recipient refuses the transfer: paused, deny-listed, or it reverts without a reason. */
  TRANSFER_REFUSED: { class: 'permanent', retryable: false },
  /** Mined, but the Transfer log does not show the requested payment in full. */
  PAYMENT_MISMATCH: { class: 'unknown', retryable: false, profile: 'ask-a-person' },
  /** A row was changed after the API sealed it. */
  SEAL_BROKEN: { class: 'unknown', retryable: false, profile: 'ask-a-person' },
  /** The key store does not answer: signing waits for it. */
  KEY_UNAVAILABLE: { class: 'transient', retryable: true },
  /** The signing key is missing, does not open, or is another wallet's. */
  KEY_INVALID: { class: 'unknown', retryable: true },
  WALLET_UNAVAILABLE: { class: 'transient', retryable: true },
  /** The wallet holds as many unconfirmed nonces as its window allows. */
  WINDOW_FULL: { class: 'transient', retryable: true },
  CHAIN_UNAVAILABLE: { class: 'transient', retryable: true },
  SEND_REJECTED: { class: 'unknown', retryable: true },
  RETRIES_EXHAUSTED: { class: 'unknown', retryable: true },
  /** A person's halt covers this: it waits until it is lifted. */
  HALTED: { class: 'transient', retryable: true },
  /** MySQL knows less than the chain or Temporal (a restored backup): nothing is accepted or signed until it is recovered. */
  BOOKS_BEHIND: { class: 'transient', retryable: true },
  /** The gas of one payment would cost more than the settings allow. */
  GAS_COST_EXCEEDED: { class: 'unknown', retryable: true, profile: 'ask-a-person' },
  /** Parked while this step was under way: only a person's retry takes it up again. */
  PARKED: { class: 'unknown', retryable: false, profile: 'ask-a-person' },
  /** A person says it was paid by hand: nothing of ours is signed any more, and the chain is asked. */
  PAID_BY_HAND: { class: 'unknown', retryable: false, profile: 'ask-a-person' },
  /** No rule of the policy lets it pass. */
  POLICY_DENIED: { class: 'permanent', retryable: false },
  /** No policy is live: nothing is paid by rules nobody has approved. */
  POLICY_MISSING: { class: 'transient', retryable: true },
  REJECTED_BY_APPROVER: { class: 'permanent', retryable: false },
  /** Too few people had approved it in time. */
  APPROVAL_EXPIRED: { class: 'permanent', retryable: false },
  /** The signing service does not find the approvals the policy asked for, each with its seal. */
  APPROVAL_MISSING: { class: 'unknown', retryable: false, profile: 'ask-a-person' },
  CANCELLED_BY_REQUEST: { class: 'permanent', retryable: false },
} as const satisfies Record<string, ErrorKind>;

interface ErrorKind {
  class: ErrorClass;
  retryable: boolean;
  profile?: RetryProfileName;
  seenBy?: 'caller';
}

export const ERROR_CLASSES = ['permanent', 'transient', 'unknown'] as const;
export type ErrorClass = (typeof ERROR_CLASSES)[number];
export type ErrorCode = keyof typeof ERROR_CATALOGUE;
/** What can stop a withdrawal. A new code is one, and does not compile without an advice, unless it says that only a caller sees it. */
export type WithdrawalErrorCode = { [Code in ErrorCode]: (typeof ERROR_CATALOGUE)[Code] extends { seenBy: 'caller' } ? never : Code }[ErrorCode];
export const ERROR_CODES = Object.keys(ERROR_CATALOGUE) as readonly ErrorCode[];

/** What the policy, or a person, refused. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['LIMIT_EXCEEDED', 'ADDRESS_NOT_ALLOWED', 'POLICY_DENIED', 'REJECTED_BY_APPROVER', 'APPROVAL_EXPIRED']);

/** How a withdrawal ends that was not paid for this reason. */
export function unpaidEndOf(code: ErrorCode): 'REJECTED' | 'FAILED' {
  return REFUSALS.has(code) ? 'REJECTED' : 'FAILED';
}

/** True for a string that names a catalogued error. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CATALOGUE, text);
}

/** Whether the owner of a withdrawal may ask for it anew: whoever is told to while this one may still pay would pay twice. */
export function mayTryAnew(outcome: Outcome, code: ErrorCode | null): boolean {
  return outcome === 'NOT_PAID' && code !== null && ERROR_CATALOGUE[code].retryable;
}

/** True for a code that can stop a withdrawal: one with an advice. */
export function stopsWithdrawals(code: ErrorCode): code is WithdrawalErrorCode {
  const { seenBy }: ErrorKind = ERROR_CATALOGUE[code];
  return seenBy !== 'caller';
}

/** How a failure with this code is tried again. */
export function profileOf(code: ErrorCode): RetryProfileName {
  const { class: errorClass, profile }: ErrorKind = ERROR_CATALOGUE[code];
  return profile ?? PROFILE_OF_CLASS[errorClass];
}

/** An error of the catalogue. `parameters` are strings fit to be shown to a person; `cause` is kept for the log. */
export class EngineError extends Error {
  readonly code: ErrorCode;
  readonly parameters: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, parameters: Record<string, string> = {}, options?: ErrorOptions) {
    super(describe(code, parameters), options);
    this.name = 'EngineError';
    this.code = code;
    this.parameters = parameters;
  }
}

function describe(code: string, parameters: Record<string, string>): string {
  const details = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return details.length === 0 ? code : `${code} (${details.join(', ')})`;
}
