import { CancellationScope, condition, allHandlersFinished, proxyActivities, proxyLocalActivities, setHandler, sleep, upsertSearchAttributes } from '@temporalio/workflow';
import type { BroadcastActivities, ConfirmVerdict, FinalVerdict, MonitorActivities, SigningActivities, WithdrawalActivities } from '../activities/index.ts';
import type { EndStatus } from '../domain/status.ts';
import { fail, failureOf, insist, persist, type Failure } from './failures.ts';
import { cancelSignal, retrySignal } from './messages.ts';
import { backoffMs, BOOKING, FEE_HOLD_MS, FUNDS_POLL_MS, STEP, UNKNOWN_TRIES_MAX, WATCH } from './profiles.ts';

const withdrawals = proxyActivities<Pick<WithdrawalActivities, 'reserveFunds'>>(STEP);
const signingService = proxyActivities<SigningActivities>({ ...STEP, taskQueue: 'signing' });
const broadcaster = proxyActivities<BroadcastActivities>({ ...STEP, taskQueue: 'broadcast' });
const monitor = proxyActivities<MonitorActivities>({ ...WATCH, taskQueue: 'monitor' });
const books = proxyLocalActivities<Pick<WithdrawalActivities, 'settle' | 'closeUnpaid' | 'park' | 'requestCancel'>>(BOOKING);

export interface WithdrawalInput {
  requestId: string;
  /** of the call that was accepted; goes through every activity into the logs */
  correlationId: string;
}

/** What people have asked of a running withdrawal, and what they are shown of it. */
interface OperatorHands {
  cancelled: boolean;
  retry: boolean;
  /** `null` takes a value away */
  searchAttributes: Partial<Record<'WithdrawalStatus' | 'Wallet' | 'TxHash' | 'DeadLetterClass', string | null>>;
}

/**
 * One withdrawal, from accepted to final: hold funds → sign → broadcast → confirm → settle. It keeps no money state of its
 * own. Every step reads the database first and may run twice, so replays, resets and second workers pay once.
 */
export async function withdrawal(request: WithdrawalInput): Promise<EndStatus> {
  const hands = listenToOperators(request);
  // From here on nothing is torn down half-way: a cancellation is a wish, granted where it is still safe.
  return CancellationScope.nonCancellable(async () => {
    const status = await payOrPark(request, hands);
    await condition(allHandlersFinished);
    show(hands, { WithdrawalStatus: status, ...('DeadLetterClass' in hands.searchAttributes && { DeadLetterClass: null }) });
    return status;
  });
}

function listenToOperators(request: WithdrawalInput): OperatorHands {
  const hands: OperatorHands = { cancelled: false, retry: false, searchAttributes: {} };
  const cancel = () =>
    CancellationScope.nonCancellable(async () => {
      if (await books.requestCancel(request)) hands.cancelled = true;
    });
  setHandler(cancelSignal, cancel);
  setHandler(retrySignal, () => {
    hands.retry = true;
  });
  // The Cancel button of the Web UI asks the same as the signal.
  CancellationScope.current().cancelRequested.catch(cancel);
  return hands;
}

async function payOrPark(request: WithdrawalInput, hands: OperatorHands): Promise<EndStatus> {
  for (;;) {
    try {
      return await pay(request, hands);
    } catch (error) {
      const failure = failureOf(error);
      const ended = failure.class === 'permanent' ? await failUnpaid(request, failure) : await parkForAPerson(request, failure, hands);
      if (ended) return ended;
    }
  }
}

/** The road itself. Throws what only a person, or the end `FAILED`, can answer. */
async function pay(request: WithdrawalInput, hands: OperatorHands): Promise<EndStatus> {
  if (!(await holdFunds(request, hands))) return cancelUnpaid(request);

  // One turn for each nonce. A second turn comes only after the first nonce was finally consumed without paying.
  for (;;) {
    const signed = await persist(() => signingService.sign({ ...request, mode: 'pay' }));
    if (signed.kind === 'cancelled') return cancelUnpaid(request);

    await send(request);
    const verdict = await confirm(request);
    if (verdict.kind === 'settled') continue;

    await books.settle({ ...request, verdict });
    switch (verdict.kind) {
      case 'paid':
        hands.searchAttributes.TxHash = verdict.txHash;
        return 'COMPLETED';
      case 'unpaid':
        return 'FAILED';
      case 'nonce-lost':
        continue;
      case 'mismatch':
        return fail({ code: 'PAYMENT_MISMATCH', class: 'unknown', reason: `the recipient received ${verdict.received} base units` });
      case 'voided':
        return fail({ code: 'RETRIES_EXHAUSTED', class: 'unknown', reason: 'the nonce was consumed without paying' });
    }
  }
}

/** @returns false when the withdrawal was cancelled while it waited for money */
async function holdFunds(request: WithdrawalInput, hands: OperatorHands): Promise<boolean> {
  let deadlineMs: number | null = null;
  for (;;) {
    const funds = await persist(() => withdrawals.reserveFunds(request));
    if (hands.cancelled) return false;
    if (funds.kind === 'reserved') {
      hands.searchAttributes.Wallet = funds.walletAddress;
      return true;
    }
    if (deadlineMs === null) {
      deadlineMs = Date.now() + funds.waitMs;
      show(hands, { WithdrawalStatus: 'AWAITING_FUNDS' });
    }
    if (Date.now() >= deadlineMs) return fail({ code: 'INSUFFICIENT_BALANCE', class: 'permanent', reason: `no wallet had enough ${funds.missing} in time` });
    await condition(() => hands.cancelled, FUNDS_POLL_MS);
    if (hands.cancelled) return false;
  }
}

/** Hands the committed bytes to the chain. An unclear answer is retried; a refusal is tried a few times, then thrown. */
async function send(request: WithdrawalInput): Promise<void> {
  for (let refusals = 0; ; ) {
    const sent = await persist(() => broadcaster.broadcast(request));
    switch (sent.kind) {
      case 'sent':
        return;
      case 'underpriced':
        await replace(request);
        break;
      case 'rejected':
        refusals += 1;
        if (refusals >= UNKNOWN_TRIES_MAX) fail({ code: 'SEND_REJECTED', class: 'unknown', reason: sent.reason });
        await sleep(backoffMs(refusals));
        break;
    }
  }
}

/** Follows the nonce until the chain has finally ruled, lending a hand where the bytes got lost or stuck. */
async function confirm(request: WithdrawalInput): Promise<FinalVerdict | Extract<ConfirmVerdict, { kind: 'settled' }>> {
  for (;;) {
    const verdict = await persist(() => monitor.confirm(request));
    switch (verdict.kind) {
      case 'stuck':
        await replace(request);
        await insist(() => send(request));
        break;
      case 'resend':
        await insist(() => send(request));
        break;
      default:
        return verdict;
    }
  }
}

/** Same nonce, same payment, higher fee; at the ceiling, a pause. */
async function replace(request: WithdrawalInput): Promise<void> {
  const replaced = await insist(() => signingService.sign({ ...request, mode: 'replace' }));
  if (replaced.kind === 'held') await sleep(FEE_HOLD_MS);
}

async function cancelUnpaid(request: WithdrawalInput): Promise<EndStatus> {
  return books.closeUnpaid({ ...request, status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'cancelled before anything was signed' });
}

/** @returns null when something that may pay exists after all: then it is not ours to fail */
async function failUnpaid(request: WithdrawalInput, failure: Failure): Promise<EndStatus | null> {
  try {
    return await books.closeUnpaid({ ...request, status: 'FAILED', code: failure.code, reason: failure.reason });
  } catch (error) {
    if (failureOf(error).code !== 'INVALID_STATE') throw error;
    await sleep(FEE_HOLD_MS);
    return null;
  }
}

/**
 * A dead letter: visible, its workflow alive. It holds up nobody: an unsigned nonce is freed, a signed one is consumed on
 * chain by a transaction that pays nothing, and the chain says who won.
 * @returns the end it reached, or null when a person said "retry"
 */
async function parkForAPerson(request: WithdrawalInput, failure: Failure, hands: OperatorHands): Promise<EndStatus | null> {
  hands.retry = false;
  const { holdsNonce } = await books.park({ ...request, ...failure });
  show(hands, { WithdrawalStatus: 'DEAD_LETTERED', DeadLetterClass: failure.class });
  if (holdsNonce) {
    const verdict = await voidNonce(request);
    if (verdict.kind === 'paid') return 'COMPLETED';
    if (verdict.kind === 'unpaid') return 'FAILED';
  }
  await condition(() => hands.retry || hands.cancelled);
  return hands.cancelled ? cancelUnpaid(request) : null;
}

async function voidNonce(request: WithdrawalInput): Promise<FinalVerdict | Extract<ConfirmVerdict, { kind: 'settled' }>> {
  // At the fee ceiling nothing is signed, and what pays must not be sent in its place.
  while ((await insist(() => signingService.sign({ ...request, mode: 'void' }))).kind === 'held') await sleep(FEE_HOLD_MS);
  await insist(() => send(request));
  const verdict = await insist(() => confirm(request));
  if (verdict.kind !== 'settled') await books.settle({ ...request, verdict });
  return verdict;
}

/** Shows operators where the withdrawal stands: at waits and ends only, the timeline is in the database. */
function show(hands: OperatorHands, attributes: OperatorHands['searchAttributes']): void {
  Object.assign(hands.searchAttributes, attributes);
  upsertSearchAttributes(Object.fromEntries(Object.entries(hands.searchAttributes).map(([name, value]) => [name, value === null ? [] : [value]])));
}
