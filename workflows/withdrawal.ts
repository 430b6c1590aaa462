import { allHandlersFinished, CancellationScope, condition, continueAsNew, proxyActivities, proxyLocalActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { BroadcastActivities, CloseUnpaidInput, ConfirmVerdict, FinalVerdict, MonitorActivities, SignInput, SigningActivities, SignResult, WithdrawalActivities } from '../activities/index.ts';
import { unpaidEndOf } from '../domain/errors.ts';
import { isEnd, type EndStatus, type WithdrawalStatus } from '../domain/status.ts';
import { fail, failureOf, insist, isControlFlow, persist, type Failure } from './failures.ts';
import { atMost, forgetTried, interruptible, listenToOperators, retryWanted, show, stopWanted, type CarriedHands, type OperatorHands } from './hands.ts';
import { APPROVAL_LOOK_MS, backoffMs, BOOKING, BRIEFLY, CLAIM_LOOK_MS, CLAIM_LOOKS_MAX, DAY_MS, FEE_HOLD_MS, FUNDS_POLL_MS, HELD, STEP, UNKNOWN_TRIES_MAX, WATCH } from './profiles.ts';

const withdrawals = proxyActivities<Pick<WithdrawalActivities, 'reserveFunds' | 'markPaid'>>(STEP);
const signingService = proxyActivities<SigningActivities>({ ...STEP, taskQueue: 'signing' });
const broadcaster = proxyActivities<BroadcastActivities>({ ...STEP, taskQueue: 'broadcast' });
/** For what may fail for a while: the nonce is followed meanwhile, as an earlier attempt may be mined. */
const briefly = {
  signingService: proxyActivities<SigningActivities>({ ...STEP, ...BRIEFLY, taskQueue: 'signing' }),
  broadcaster: proxyActivities<BroadcastActivities>({ ...STEP, ...BRIEFLY, taskQueue: 'broadcast' }),
};
const monitor = proxyActivities<MonitorActivities>({ ...WATCH, taskQueue: 'monitor' });
const books = proxyLocalActivities<Pick<WithdrawalActivities, 'settle' | 'closeUnpaid' | 'park' | 'requestCancel' | 'tallyApprovals' | 'escalate'>>(BOOKING);

export interface WithdrawalInput {
  requestId: string;
  /** of the call that was accepted; goes through every activity into the logs */
  correlationId: string;
}

/**
 * One withdrawal, from accepted to final: judge and hold funds → be approved → sign → broadcast → confirm → settle. It keeps no money state of its
 * own. Every step reads the database first and may run twice, so replays, resets and second workers pay once.
 */
export async function withdrawal(request: WithdrawalInput, carried?: CarriedHands): Promise<EndStatus> {
  const hands = listenToOperators(
    {
      commitCancel: () => insist(() => books.requestCancel(request)),
      commitClaim: async (txHash) => void (await insist(() => books.park({ ...request, ...claimedBy(txHash) }))),
    },
    carried,
  );
  // From here on nothing is torn down half-way: a cancellation is a wish, granted where it is still safe.
  return CancellationScope.nonCancellable(async () => {
    const status = await payOrPark(request, hands);
    hands.approval = 'closed';
    await condition(allHandlersFinished);
    if (hands.markedPaid !== null) await askTheChain(request, hands);
    show(hands, { WithdrawalStatus: status, ...('DeadLetterClass' in hands.searchAttributes && { DeadLetterClass: null }) });
    return status;
  });
}

async function payOrPark(request: WithdrawalInput, hands: OperatorHands): Promise<EndStatus> {
  for (;;) {
    try {
      return await pay(request, hands);
    } catch (error) {
      if (isControlFlow(error)) throw error;
      const failure = failureOf(error);
      const ended = failure.class === 'permanent' && hands.markedPaid === null ? await failUnpaid(request, failure) : await parkForAPerson(request, failure, hands);
      if (ended) return ended;
    }
  }
}

/** The road itself. Throws what only a person, or an unpaid end, can answer. */
async function pay(request: WithdrawalInput, hands: OperatorHands): Promise<EndStatus> {
  await holdFunds(request, hands);
  await awaitApproval(request, hands);

  // One turn for each nonce. A second turn comes only after the first nonce was finally consumed without paying.
  for (;;) {
    const signed = await signPayment(request, hands);
    if (signed !== 'signed') return (await cancelUnpaid(request, hands)) ?? fail(WAITS_FOR_A_PERSON);

    const sent = await interruptible(hands, () => send(request, hands));
    const verdict = await confirm(request, hands, sent === 'halted' ? 'void' : 'pay');
    if (verdict.kind === 'settled') continue;

    const status = await persist(() => settle(request, hands, verdict));
    if (isEnd(status)) return status;
    if (verdict.kind === 'mismatch') fail({ code: 'PAYMENT_MISMATCH', class: 'unknown', reason: `the recipient received ${verdict.received} base units` });
  }
}

const WAITS_FOR_A_PERSON: Failure = { code: 'PARKED', class: 'unknown', reason: 'it waits for a person' };
const CANCELLED = { status: 'CANCELLED', code: 'CANCELLED_BY_REQUEST', reason: 'cancelled before anything was signed' } as const;

/**
 * Waits until the policy lets it pass and money is held. Ends early when a person wants no payment any more: whether bytes
 * are out is asked next, of the database.
 */
async function holdFunds(request: WithdrawalInput, hands: OperatorHands): Promise<void> {
  for (;;) {
    await goOnIfLong(request, hands);
    leaveToAPerson(hands);
    const byHand = hands.retry;
    const funds = await interruptible(hands, () => persist(() => withdrawals.reserveFunds({ ...request, retried: hands.retry || hands.retriedLetters })));
    if (hands.cancelled) return;
    if (funds === 'interrupted') continue;
    // It has taken effect: the next time it is parked, a person is asked again.
    if (byHand) hands.retry = false;
    // A run that was started again for a parked withdrawal parks where the first one did.
    if (funds.kind === 'parked') fail(WAITS_FOR_A_PERSON);
    if (funds.kind === 'denied') fail({ code: funds.code, class: 'permanent', reason: `denied by the policy's rule ${funds.rule}` });
    if (funds.kind === 'reserved') {
      hands.searchAttributes.Wallet = funds.walletAddress;
      hands.approval = funds.awaitsApproval ? 'open' : 'closed';
      return;
    }
    if (hands.fundsDeadlineMs === null) {
      hands.fundsDeadlineMs = Date.now() + funds.waitMs;
      show(hands, { WithdrawalStatus: 'AWAITING_FUNDS' });
    }
    if (Date.now() >= hands.fundsDeadlineMs) fail({ code: 'INSUFFICIENT_BALANCE', class: 'permanent', reason: `no wallet had enough ${funds.missing} in time` });
    await condition(() => stopWanted(hands), FUNDS_POLL_MS, { summary: `no wallet has enough ${funds.missing}: look again` });
  }
}

/** Waits for the approvals the policy asks for. Messages only wake it: what counts is in the database. */
async function awaitApproval(request: WithdrawalInput, hands: OperatorHands): Promise<void> {
  while (hands.approval === 'open') {
    await goOnIfLong(request, hands);
    leaveToAPerson(hands);
    if (hands.cancelled) return;
    hands.approvalNews = false;
    const tally = await insist(() => books.tallyApprovals(request));
    if (tally.kind !== 'waiting') hands.approval = 'closed';
    if (tally.kind === 'refused') fail({ code: tally.code, class: 'permanent', reason: tally.reason });
    if (tally.kind !== 'waiting') return;
    if (hands.searchAttributes.WithdrawalStatus !== 'AWAITING_APPROVAL') show(hands, { WithdrawalStatus: 'AWAITING_APPROVAL' });
    await condition(() => hands.approvalNews || stopWanted(hands), Math.max(tally.remainingMs, APPROVAL_LOOK_MS), { summary: 'wait for approvals, until they expire' });
  }
}

/** The first attempt on a nonce: committed bytes, or the word that none will be. */
async function signPayment(request: WithdrawalInput, hands: OperatorHands): Promise<'signed' | 'cancelled' | 'nothing'> {
  for (;;) {
    await goOnIfLong(request, hands);
    leaveToAPerson(hands);
    if (hands.cancelled && ((await closeIfUnsigned(request, CANCELLED)) !== null)) return 'cancelled';
    // What was signed before is taken up where it stands, cancelled or not.
    const run = () => persist(() => sign(request, hands, 'pay'));
    const signed = hands.cancelled ? await run() : await interruptible(hands, run);
    if (signed === 'interrupted') continue;
    if (signed.kind !== 'held') return signed.kind;
    await condition(() => stopWanted(hands), FEE_HOLD_MS, HELD);
  }
}

/** Signs by the signing service, which is told what this workflow knows: a database that forgot it signs nothing. */
async function sign(request: WithdrawalInput, hands: OperatorHands, mode: SignInput['mode'], by: SigningActivities = signingService): Promise<SignResult> {
  const signed = await by.sign({ ...request, mode, knownTxHash: hands.signedTxHash });
  if (signed.kind === 'signed') hands.signedTxHash = signed.txHash;
  if (signed.kind === 'cancelled') hands.cancelled = true;
  return signed;
}

/**
 * Hands the committed bytes to the chain. An unclear answer is retried; a refusal is tried a few times, then thrown.
 * @returns `halted` when what pays was never sent and must not be now: its nonce is to be voided
 */
async function send(request: WithdrawalInput, hands: OperatorHands, by: BroadcastActivities = broadcaster): Promise<'sent' | 'cancelled' | 'halted'> {
  for (let refusals = 0; ; ) {
    const sent = await persist(() => by.broadcast(request));
    switch (sent.kind) {
      case 'sent':
        return 'sent';
      case 'withheld':
        if (sent.because === 'cancelled') hands.cancelled = true;
        return sent.because;
      case 'underpriced':
        if ((await replace(request, hands)) === 'cancelled') return 'cancelled';
        break;
      case 'rejected':
        refusals += 1;
        if (refusals >= UNKNOWN_TRIES_MAX) fail({ code: 'SEND_REJECTED', class: 'unknown', reason: sent.reason });
        await sleep(backoffMs(refusals), { summary: 'the send was refused: try again' });
        break;
    }
  }
}

/**
 * Follows the nonce until the chain has finally ruled, lending a hand where the bytes got lost or stuck. To `void` it, or
 * when a person wants no payment any more, a transaction that pays nothing is sent on the same nonce, and the chain rules
 * between the two.
 */
async function confirm(request: WithdrawalInput, hands: OperatorHands, mode: 'pay' | 'void' = 'pay'): Promise<FinalVerdict | Extract<ConfirmVerdict, { kind: 'settled' }>> {
  const follow = () => (mode === 'void' ? insist : persist)(() => monitor.confirm(request));
  let toBeVoided = mode === 'void';
  let voiding: 'no' | 'held' | 'sent' = 'no';
  for (;;) {
    await goOnIfLong(request, hands);
    if (voiding !== 'sent' && (toBeVoided || stopWanted(hands))) voiding = await voidNonce(request, hands);
    const verdict = voiding === 'sent' ? await follow() : voiding === 'held' ? await atMost(FEE_HOLD_MS, follow) : await interruptible(hands, follow);
    if (verdict === 'interrupted') continue;
    switch (verdict.kind) {
      case 'stuck':
      case 'resend':
        // What is to be voided is neither made dearer nor sent again.
        if (voiding === 'held') await sleep(FEE_HOLD_MS, HELD);
        else if (verdict.kind === 'resend' || (await replace(request, hands)) !== 'cancelled') toBeVoided ||= (await sendAgain(request, hands)) === 'halted';
        break;
      default:
        return verdict;
    }
  }
}

/** Same nonce, same payment, higher fee; at the ceiling, or where it cannot be signed now, a pause. */
async function replace(request: WithdrawalInput, hands: OperatorHands): Promise<SignResult['kind']> {
  const kind = await signBriefly(request, hands, 'replace');
  if (kind === 'held') await sleep(FEE_HOLD_MS, HELD);
  return kind;
}

/** Same nonce, nothing paid. At the fee ceiling nothing is signed, and what pays is not sent in its place. */
async function voidNonce(request: WithdrawalInput, hands: OperatorHands): Promise<'sent' | 'held'> {
  if ((await signBriefly(request, hands, 'void')) === 'held') return 'held';
  await sendAgain(request, hands);
  return 'sent';
}

/** Signs on top of what may be mined already: a signer that cannot now is not waited for, the nonce is followed on. */
async function signBriefly(request: WithdrawalInput, hands: OperatorHands, mode: 'replace' | 'void'): Promise<SignResult['kind']> {
  try {
    return (await persist(() => sign(request, hands, mode, briefly.signingService))).kind;
  } catch (error) {
    if (isControlFlow(error)) throw error;
    return 'held';
  }
}

/** The same for sending: bytes that are not out are found lost again. */
async function sendAgain(request: WithdrawalInput, hands: OperatorHands): Promise<'sent' | 'cancelled' | 'halted'> {
  try {
    return await send(request, hands, briefly.broadcaster);
  } catch (error) {
    if (isControlFlow(error)) throw error;
    return 'sent';
  }
}

/** Books what the chain finally ruled. */
async function settle(request: WithdrawalInput, hands: OperatorHands, verdict: FinalVerdict): Promise<WithdrawalStatus> {
  const status = await books.settle({ ...request, verdict });
  if (verdict.kind === 'paid') hands.searchAttributes.TxHash = verdict.txHash;
  // Money has moved, though not as asked: there is nothing left to cancel.
  if (verdict.kind === 'mismatch') hands.cancelled = false;
  return status;
}

/**
 * Ends what was cancelled before anything was signed; an end reached before stands.
 * @returns null where it may be paid after all, by money that moved or by a person's word: then it is not ours to cancel
 */
async function cancelUnpaid(request: WithdrawalInput, hands: OperatorHands): Promise<EndStatus | null> {
  const ended = await closeIfUnsigned(request, CANCELLED);
  if (ended === null) hands.cancelled = false;
  return ended;
}

/** Ends what nothing was signed for; the signing service may be away. @returns null when something that may pay exists after all */
async function closeIfUnsigned(request: WithdrawalInput, end: Omit<CloseUnpaidInput, 'requestId'>): Promise<EndStatus | null> {
  return insist(async () => {
    try {
      return await books.closeUnpaid({ ...request, ...end });
    } catch (error) {
      if (failureOf(error).code !== 'INVALID_STATE') throw error;
      return null;
    }
  });
}

/** @returns null when something that may pay exists after all: then it is not ours to fail */
async function failUnpaid(request: WithdrawalInput, { code, reason }: Failure): Promise<EndStatus | null> {
  const ended = await closeIfUnsigned(request, { status: unpaidEndOf(code), code, reason });
  if (ended === null) await sleep(FEE_HOLD_MS, { summary: 'something that may pay exists: take it up' });
  return ended;
}

/** A person says it was paid: nothing more of ours is signed, and the chain is asked while it is parked. */
function leaveToAPerson(hands: OperatorHands): void {
  if (hands.markedPaid !== null) fail(claimedBy(hands.markedPaid));
}

function claimedBy(txHash: string): Failure {
  return { code: 'PAID_BY_HAND', class: 'unknown', reason: `said to be paid by ${txHash}` };
}

/**
 * A dead letter: visible, its workflow alive. It holds up nobody: an unsigned nonce is freed, a signed one is consumed on
 * chain by a transaction that pays nothing, and the chain says who won.
 * @returns the end it reached, or null when a person said "retry"
 */
async function parkForAPerson(request: WithdrawalInput, failure: Failure, hands: OperatorHands): Promise<EndStatus | null> {
  // One that was parked before this run may have been answered already; any other answer was said too early, or tried in vain.
  if (failure.code !== 'PARKED') forgetTried(hands);
  const { holdsNonce, ended, letterId, reminders: earlier, escalateAfterMs } = await insist(() => books.park({ ...request, ...failure }));
  if (ended !== null) return ended;
  hands.letterId = letterId;
  show(hands, { WithdrawalStatus: 'DEAD_LETTERED', DeadLetterClass: failure.class });
  if (holdsNonce) {
    const verdict = await confirm(request, hands, 'void');
    const status = verdict.kind === 'settled' ? null : await insist(() => settle(request, hands, verdict));
    if (status !== null && isEnd(status)) return status;
  }
  for (let reminders = earlier; ; ) {
    const answered = await condition(() => retryWanted(hands) || stopWanted(hands), escalateAfterMs[Math.min(reminders, escalateAfterMs.length - 1)] ?? DAY_MS, { summary: 'wait for a person, until the next reminder' });
    if (!answered) {
      reminders += 1;
      await insist(() => books.escalate({ ...request, escalation: reminders }));
    } else if (hands.markedPaid !== null) {
      if (await askTheChain(request, hands)) return 'COMPLETED';
    } else if (hands.cancelled) {
      const cancelled = await cancelUnpaid(request, hands);
      if (cancelled !== null) return cancelled;
    } else {
      // How long it waited for money before says nothing of now.
      hands.fundsDeadlineMs = null;
      return null;
    }
  }
}

/** Asks the chain whether it was paid by hand; again while that payment is not final, until somebody says something else. */
async function askTheChain(request: WithdrawalInput, hands: OperatorHands): Promise<boolean> {
  const txHash = hands.markedPaid;
  if (txHash === null) return false;
  const said = () => hands.markedPaid !== txHash || retryWanted(hands);
  for (let looks = 1; ; looks += 1) {
    const lastLook = looks >= CLAIM_LOOKS_MAX || said();
    const answer = await insist(() => withdrawals.markPaid({ ...request, txHash, lastLook }));
    if (answer.kind === 'paid') return true;
    if (lastLook || answer.reason !== 'not-final') break;
    await condition(said, CLAIM_LOOK_MS, { summary: 'the payment by hand is not final: ask again' });
  }
  if (hands.markedPaid === txHash) hands.markedPaid = null;
  return false;
}

/** Ends this run at a border and goes on as a new one, before its history grows too long. Every step may run twice. */
async function goOnIfLong(request: WithdrawalInput, hands: OperatorHands): Promise<void> {
  if (!workflowInfo().continueAsNewSuggested) return;
  await condition(allHandlersFinished);
  await continueAsNew<typeof withdrawal>(request, hands);
}
