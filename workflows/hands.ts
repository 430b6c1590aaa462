import { defaultPayloadConverter, RawValue } from '@temporalio/common';
import { CancellationScope, isCancellation, log, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { fail, failureOf } from './failures.ts';
import { approveSignal, approveUpdate, cancelSignal, markPaidSignal, rejectSignal, rejectUpdate, retrySignal } from './messages.ts';

/** What people have asked of a running withdrawal, and what they are shown of it. */
export interface OperatorHands {
  /** a cancel intent is committed: nothing that pays is signed any more */
  cancelled: boolean;
  /** a person said "retry" by hand, of whatever it waits by */
  retry: boolean;
  /** the dead letters that were answered with "retry", by number: an answer to an earlier one counts for nothing */
  retriedLetters: number[];
  /** the dead letter it waits by, or waited by last */
  letterId: number | null;
  /** whether people's approval is waited for: not known before the policy was asked */
  approval: 'unknown' | 'open' | 'closed';
  /** somebody has said something about it since it was last counted */
  approvalNews: boolean;
  /** the transaction by which a person says it was paid, until the chain was asked */
  markedPaid: string | null;
  /** the newest hash that was signed, as the signing service told it */
  signedTxHash: string | null;
  /** until when it waits for money; null before it had to */
  fundsDeadlineMs: number | null;
  /** `null` takes a value away */
  searchAttributes: Partial<Record<'WithdrawalStatus' | 'Wallet' | 'TxHash' | 'DeadLetterClass', string | null>>;
}

/** What a run that goes on as a new one takes along. */
export type CarriedHands = OperatorHands;

/** What the signals write down before they take effect. */
export interface WishBooks {
  /** @returns whether the intent stands; a wish that came too late changes nothing */
  commitCancel: () => Promise<boolean>;
  /** from then on nothing that pays is signed, and nobody may call it unpaid */
  commitClaim: (txHash: string) => Promise<void>;
}

const TRANSACTION_HASH = /^0x[0-9a-f]{64}$/;
/** Of these the last may be the one it waits by. */
const RETRIED_LETTERS_MAX = 20;

const interruptions = new WeakMap<OperatorHands, () => void>();

/** Takes the signals of people from now on. Each is written down first and then interrupts what the workflow waits for. */
export function listenToOperators(books: WishBooks, carried?: CarriedHands): OperatorHands {
  const hands: OperatorHands = { cancelled: false, retry: false, retriedLetters: [], letterId: null, approval: 'unknown', approvalNews: false, markedPaid: null, signedTxHash: null, fundsDeadlineMs: null, searchAttributes: {}, ...carried };
  const interrupt = () => interruptions.get(hands)?.();
  const cancel = () =>
    CancellationScope.nonCancellable(async () => {
      if (!(await books.commitCancel())) return;
      hands.cancelled = true;
      interrupt();
    });
  setHandler(cancelSignal, cancel);
  setHandler(retrySignal, (...args: unknown[]) => {
    const letterId = readArgument(args);
    if (typeof letterId === 'number') hands.retriedLetters = [...hands.retriedLetters.filter((earlier) => earlier !== letterId), letterId].slice(-RETRIED_LETTERS_MAX);
    else hands.retry = true;
  });
  const lookAtApprovals = () => {
    hands.approvalNews = true;
  };
  const validator = () => {
    if (hands.approval === 'closed') fail({ code: 'INVALID_STATE', class: 'permanent', reason: 'not-awaiting-approval' });
  };
  setHandler(approveSignal, lookAtApprovals);
  setHandler(rejectSignal, lookAtApprovals);
  setHandler(approveUpdate, lookAtApprovals, { validator });
  setHandler(rejectUpdate, lookAtApprovals, { validator });
  setHandler(markPaidSignal, (...args: unknown[]) =>
    CancellationScope.nonCancellable(async () => {
      const claimed = readArgument(args);
      const txHash = typeof claimed === 'string' ? claimed.toLowerCase() : '';
      if (!TRANSACTION_HASH.test(txHash)) {
        log.warn('markPaid takes the hash of a transaction: ignored');
        return;
      }
      await books.commitClaim(txHash);
      hands.markedPaid = txHash;
      // Whoever says it is paid does not want it paid again by an earlier "retry".
      forgetRetry(hands);
      interrupt();
    }),
  );
  // The Cancel button of the Web UI asks the same as the signal.
  CancellationScope.current().cancelRequested.catch(cancel);
  return hands;
}

/** A message's first argument, whatever a hand has sent; undefined for none, and for what cannot be read. */
function readArgument([first]: readonly unknown[]): unknown {
  try {
    return first instanceof RawValue ? defaultPayloadConverter.fromPayload(first.payload) : first;
  } catch {
    return undefined;
  }
}

/** True when a person has answered what it waits by with "retry". */
export function retryWanted(hands: OperatorHands): boolean {
  return hands.retry || (hands.letterId !== null && hands.retriedLetters.includes(hands.letterId));
}

/** Leaves only answers to a letter this run has not waited by yet: one may be said before the run itself knows that it waits. */
export function forgetTried(hands: OperatorHands): void {
  hands.retry = false;
  hands.retriedLetters = hands.retriedLetters.filter((letterId) => letterId !== hands.letterId);
}

function forgetRetry(hands: OperatorHands): void {
  hands.retry = false;
  hands.retriedLetters = [];
}

/** True when a person wants no payment of ours any more. */
export function stopWanted(hands: OperatorHands): boolean {
  return hands.cancelled || hands.markedPaid !== null;
}

/**
 * Runs a step that a person may interrupt: what it waits for is then called off, and what it had committed stands.
 * @returns `'interrupted'` when somebody wants no payment any more, now or before it began
 */
export async function interruptible<T>(hands: OperatorHands, run: () => Promise<T>): Promise<T | 'interrupted'> {
  if (stopWanted(hands)) return 'interrupted';
  const scope = new CancellationScope();
  interruptions.set(hands, () => scope.cancel());
  try {
    return await orInterrupted(scope, run);
  } finally {
    interruptions.delete(hands);
  }
}

/** Waits no longer than that. */
export async function atMost<T>(ms: number, run: () => Promise<T>): Promise<T | 'interrupted'> {
  return orInterrupted(new CancellationScope({ cancellable: true, timeout: ms }), run);
}

async function orInterrupted<T>(scope: CancellationScope, run: () => Promise<T>): Promise<T | 'interrupted'> {
  try {
    return await scope.run(run);
  } catch (error) {
    // An activity that was called off while it failed reports its failure, not the call.
    if (isCancellation(error) || (scope.consideredCancelled && failureOf(error).class === 'transient')) return 'interrupted';
    throw error;
  }
}

/** Shows operators where the withdrawal stands: at waits and ends only, the timeline is in the database. */
export function show(hands: OperatorHands, attributes: OperatorHands['searchAttributes']): void {
  Object.assign(hands.searchAttributes, attributes);
  upsertSearchAttributes(Object.fromEntries(Object.entries(hands.searchAttributes).map(([name, value]) => [name, value === null ? [] : [value]])));
}
