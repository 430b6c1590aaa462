import { sameAddress } from './address.ts';
import { isEnd, type AttemptPurpose, type WithdrawalStatus } from './status.ts';

/**
 * Holding the chain against the books: every transfer out of a hot wallet falls into exactly one class, and every
 * payment the books claim is looked for on the chain. Pure: both sides are read elsewhere.
 */

/** First and last block compared, both included. */
export interface BlockRange {
  from: number;
  to: number;
}

/** Value, or what claims to be value, that left a wallet: a token's Transfer log, or the native coin of one of its own transactions. */
export interface Outflow {
  txHash: string;
  /** -1 for the native coin */
  logIndex: number;
  /** null for the native coin */
  tokenAddress: string | null;
  to: string;
  /** base units */
  amount: bigint;
  block: number;
  /** the wallet itself sent the transaction; false where somebody else did, by an allowance or in a contract of their own */
  sentByWallet: boolean;
}

/** Bytes this engine signed with the wallet's key. */
export interface KnownAttempt {
  txHash: string;
  requestId: string;
  purpose: AttemptPurpose;
}

/** What the books say of one withdrawal. */
export interface BookedWithdrawal {
  requestId: string;
  booking: Booking;
  /** the transaction and log that paid it, by the books; the log is null where it was paid differently than asked */
  paidTxHash: string | null;
  paidLogIndex: number | null;
  tokenAddress: string | null;
  toAddress: string;
  amount: bigint;
  /** the block in which the compared wallet spent it, by the books; null when it spent nothing */
  spentInBlock: number | null;
}

/** `paid`, paid but not as asked (`parked`, for a person), not ruled yet (`open`), ended `unpaid`, or the row is gone (`lost`). */
export type Booking = 'paid' | 'parked' | 'open' | 'unpaid' | 'lost';

export function bookingOf(status: WithdrawalStatus, paidTxHash: string | null): Booking {
  if (status === 'COMPLETED') return 'paid';
  if (isEnd(status)) return 'unpaid';
  return paidTxHash === null ? 'open' : 'parked';
}

/** A declared treasury movement out of the wallet. */
export interface DeclaredMovement {
  id: number;
  tokenAddress: string | null;
  amount: bigint;
  counterparty: string;
  declaredAtMs: number;
  /** the transfer it was recognised as before, if any */
  txHash: string | null;
  logIndex: number | null;
}

/**
 * - `matched`: the very payment of a withdrawal
 * - `parked`: the payment of a withdrawal that waits for a person, because it arrived differently than asked
 * - `extra`: a further transfer of the same token in such a payment's transaction: a fee the token takes
 * - `in-progress`: a payment that is final but not booked yet
 * - `declared`: a treasury movement somebody declared
 * - `ignored`: moves nothing of value: an amount of zero (anybody can make a token log one), or a log of an unknown
 *   contract in a transaction that is not the wallet's (anybody can write any contract)
 * - `mismatch`: of a withdrawal, but the books say something else of it
 * - `stranger`: none of these
 */
export const OUTFLOW_CLASSES = ['matched', 'parked', 'extra', 'in-progress', 'declared', 'ignored', 'mismatch', 'stranger'] as const;
export type OutflowClass = (typeof OUTFLOW_CLASSES)[number];

/** Why a `mismatch` is one. */
export type MismatchReason =
  /** recipient, token, amount or log differ from what is booked */
  | 'booked-differently'
  /** the books say it was not paid */
  | 'booked-unpaid'
  /** another transaction is booked as its payment */
  | 'paid-twice';

export interface ClassifiedOutflow {
  outflow: Outflow;
  class: OutflowClass;
  requestId: string | null;
  movementId: number | null;
  reason: MismatchReason | null;
}

export interface Reconciliation {
  /** in the order of the chain */
  outflows: ClassifiedOutflow[];
  /** booked as paid out of this wallet in this range, and the chain shows no such transfer */
  missing: BookedWithdrawal[];
}

export interface ReconciliationInput {
  range: BlockRange;
  outflows: readonly Outflow[];
  attempts: readonly KnownAttempt[];
  withdrawals: readonly BookedWithdrawal[];
  movements: readonly DeclaredMovement[];
  /** tokens that are worth something: what the registry lists */
  knownTokens: readonly string[];
  /**
   * Whether a movement that was declared only after its transfer counts: at the first comparison it does not, when a
   * person asks for the range again it does.
   */
  acceptLateDeclarations: boolean;
  /** when blocks were made, ms; a block that is not here counts as older than any declaration */
  minedAtMs: ReadonlyMap<number, number>;
}

/** How far the clocks of the chain and of this machine may be apart before a declaration counts as late. */
const CLOCK_TOLERANCE_MS = 30_000;

/** Whether a movement was declared before its transfer was mined: who took the money may not explain it afterwards. */
export function declaredInTime(declaredAtMs: number, minedAtMs: number): boolean {
  return declaredAtMs <= minedAtMs + CLOCK_TOLERANCE_MS;
}

/** Compares both ways. The result does not depend on the order of anything given. */
export function reconcile(input: ReconciliationInput): Reconciliation {
  const books = indexBooks(input);
  const outflows: ClassifiedOutflow[] = [];
  const taken = new Set<number>();
  for (const outflow of input.outflows.toSorted(byChainOrder)) {
    const explained = explainByBooks(outflow, books) ?? explainByMovement(outflow, input, taken);
    if (explained.movementId !== null) taken.add(explained.movementId);
    outflows.push(explained);
  }
  const seen = new Set(input.outflows.map(keyOf));
  const missing = input.withdrawals
    .filter(({ spentInBlock, booking }) => spentInBlock !== null && inRange(spentInBlock, input.range) && (booking === 'paid' || booking === 'lost'))
    .filter(({ paidTxHash, paidLogIndex }) => paidTxHash === null || paidLogIndex === null || !seen.has(keyOf({ txHash: paidTxHash, logIndex: paidLogIndex })))
    .toSorted((left, right) => compare(left.requestId, right.requestId));
  return { outflows, missing };
}

/**
 * The last block that can be called compared: below the first payment that is not booked yet, so that each payment is
 * compared once its booking is there. `from - 1` when that is the first block.
 */
export function settledUpTo(range: BlockRange, outflows: readonly ClassifiedOutflow[]): number {
  const open = outflows.filter((row) => row.class === 'in-progress').map(({ outflow }) => outflow.block);
  return Math.min(range.to, ...open.map((block) => block - 1));
}

interface Books {
  attemptOf: ReadonlyMap<string, KnownAttempt>;
  withdrawalOf: ReadonlyMap<string, BookedWithdrawal>;
  /** by transaction and log */
  paidBy: ReadonlyMap<string, BookedWithdrawal>;
  known: ReadonlySet<string>;
}

function indexBooks(input: ReconciliationInput): Books {
  const paid = input.withdrawals.filter(({ booking, paidTxHash, paidLogIndex }) => booking === 'paid' && paidTxHash !== null && paidLogIndex !== null);
  return {
    attemptOf: new Map(input.attempts.map((attempt) => [lower(attempt.txHash), attempt])),
    withdrawalOf: new Map(input.withdrawals.map((withdrawal) => [withdrawal.requestId, withdrawal])),
    paidBy: new Map(paid.map((withdrawal) => [keyOf({ txHash: withdrawal.paidTxHash ?? '', logIndex: withdrawal.paidLogIndex ?? 0 }), withdrawal])),
    known: new Set(input.knownTokens.map(lower)),
  };
}

function explainByBooks(outflow: Outflow, books: Books): ClassifiedOutflow | null {
  const as = (kind: OutflowClass, withdrawal: BookedWithdrawal | null = null, reason: MismatchReason | null = null): ClassifiedOutflow => ({ outflow, class: kind, requestId: withdrawal?.requestId ?? null, movementId: null, reason });
  if (outflow.amount === 0n) return as('ignored');

  const booked = books.paidBy.get(keyOf(outflow));
  if (booked) return isPaymentOf(outflow, booked) && outflow.amount === booked.amount ? as('matched', booked) : as('mismatch', booked, 'booked-differently');

  const worthless = outflow.tokenAddress !== null && !books.known.has(lower(outflow.tokenAddress));
  if (worthless && !outflow.sentByWallet) return as('ignored');

  const attempt = books.attemptOf.get(lower(outflow.txHash));
  // A filler pays nobody: what leaves with it is nobody's withdrawal.
  const withdrawal = attempt?.purpose === 'PAY' ? books.withdrawalOf.get(attempt.requestId) : undefined;
  if (!withdrawal || withdrawal.booking === 'lost') return null;
  // Bytes of ours call one token only. What an unknown contract logs on the way is its own affair, another token of value is not.
  if (!sameToken(outflow.tokenAddress, withdrawal.tokenAddress)) return worthless ? as('ignored') : null;

  const here = withdrawal.paidTxHash !== null && lower(withdrawal.paidTxHash) === lower(outflow.txHash);
  const toRecipient = sameAddress(outflow.to, withdrawal.toAddress);
  switch (withdrawal.booking) {
    case 'open':
      return as('in-progress', withdrawal);
    case 'unpaid':
      return as('mismatch', withdrawal, 'booked-unpaid');
    case 'parked':
      if (!here) return as('mismatch', withdrawal, 'paid-twice');
      return as(toRecipient ? 'parked' : 'extra', withdrawal);
    case 'paid':
      if (!here) return as('mismatch', withdrawal, withdrawal.paidTxHash === null ? 'booked-differently' : 'paid-twice');
      return toRecipient ? as('mismatch', withdrawal, 'booked-differently') : as('extra', withdrawal);
    default:
      return withdrawal.booking satisfies never;
  }
}

/** The movement it was recognised as before, else the oldest declaration that fits. One movement explains one transfer. */
function explainByMovement(outflow: Outflow, input: ReconciliationInput, taken: ReadonlySet<number>): ClassifiedOutflow {
  const fits = ({ tokenAddress, amount, counterparty }: DeclaredMovement) => sameToken(tokenAddress, outflow.tokenAddress) && amount === outflow.amount && sameAddress(counterparty, outflow.to);
  const minedAtMs = input.minedAtMs.get(outflow.block) ?? Number.NEGATIVE_INFINITY;
  const inTime = ({ declaredAtMs }: DeclaredMovement) => input.acceptLateDeclarations || declaredInTime(declaredAtMs, minedAtMs);
  const before = input.movements.find(({ id, txHash, logIndex }) => !taken.has(id) && txHash !== null && logIndex !== null && keyOf({ txHash, logIndex }) === keyOf(outflow));
  const [oldest] = input.movements.filter((movement) => !taken.has(movement.id) && movement.txHash === null && fits(movement) && inTime(movement)).toSorted((left, right) => left.declaredAtMs - right.declaredAtMs || left.id - right.id);
  const movement = before ?? oldest;
  return { outflow, class: movement ? 'declared' : 'stranger', requestId: null, movementId: movement?.id ?? null, reason: null };
}

const lower = (text: string) => text.toLowerCase();
const keyOf = ({ txHash, logIndex }: { txHash: string; logIndex: number }) => `${lower(txHash)}:${logIndex}`;
const inRange = (block: number, range: BlockRange) => block >= range.from && block <= range.to;
const compare = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0);
const byChainOrder = (left: Outflow, right: Outflow) => left.block - right.block || left.logIndex - right.logIndex || compare(lower(left.txHash), lower(right.txHash));

function sameToken(left: string | null, right: string | null): boolean {
  return left === null || right === null ? left === right : sameAddress(left, right);
}

function isPaymentOf(outflow: Outflow, withdrawal: BookedWithdrawal): boolean {
  return sameToken(outflow.tokenAddress, withdrawal.tokenAddress) && sameAddress(outflow.to, withdrawal.toAddress);
}
