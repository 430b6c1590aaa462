/**
 * What the engine calls a person for. An alert is open from the first sign until the condition is gone or a person
 * has closed it; the same condition seen again is the same alert.
 */
export const ALERT_KINDS = [
  /** a nonce below later ones that nobody holds: filled by a transaction that pays nothing */
  'NONCE_GAP',
  /** database and chain disagree about a wallet's nonces in a way the rules do not explain */
  'NONCE_DRIFT',
  /** a transaction this engine never signed used a nonce of a hot wallet, without moving value out of it */
  'FOREIGN_TRANSACTION',
  /** the same, with value moved out: the wallet is halted */
  'FOREIGN_OUTFLOW',
  /** the wallet cannot pay for gas */
  'GAS_LOW',
  /** the lowest unmined nonce of a wallet makes no progress */
  'HEAD_OF_LINE',
  /** the chain undid a block it had called final: the wallet is halted */
  'FINALITY_UNDONE',
  /** endpoints of one chain contradict each other about a transaction */
  'RPC_CONTRADICTION',
  /** MySQL knows less than the chain or Temporal: a restored backup */
  'BOOKS_BEHIND',
  /** a transfer out of a hot wallet that is no withdrawal and no declared movement: the wallet is halted */
  'STRANGER_TRANSFER',
  /** a withdrawal booked as paid whose payment the chain does not show: the wallet is halted */
  'PAYMENT_MISSING',
  /** a withdrawal waits for a person */
  'WITHDRAWAL_PARKED',
  /** a recipient was paid by hand and by the engine */
  'DOUBLE_PAYMENT',
  /** a recipient was paid by hand although the withdrawal had ended unpaid: its owner may be refunded as well */
  'PAID_AFTER_END',
  /** a dead letter nobody has answered in time */
  'DEAD_LETTER_ESCALATED',
  /** at the present rate a wallet's gas lasts only so many hours */
  'GAS_RUNNING_OUT',
  /** the same for a token */
  'TOKEN_RUNNING_OUT',
  /** a row was changed behind the engine's back: nothing is signed by it */
  'SEAL_BROKEN',
  /** sealed keys can no longer be read: nothing is signed and withdrawals wait */
  'KEY_STORE_UNAVAILABLE',
  /** a receiver of notifications has failed for so long that it was switched off */
  'WEBHOOK_DISABLED',
  /** the audit log is not what was anchored in Temporal, or rows of it are gone */
  'AUDIT_BROKEN',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];
