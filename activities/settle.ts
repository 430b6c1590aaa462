import { EngineError } from '../domain/errors.ts';
import { isEnd, type WithdrawalStatus } from '../domain/status.ts';
import type { Database, Transaction } from '../db/client.ts';
import type { CrashPoint } from '../db/crash-point.ts';
import { raiseAlert } from '../db/repositories/operations/alerts.ts';
import { endAttempts, listAttempts } from '../db/repositories/payments/attempts.ts';
import { appendEvent } from '../db/repositories/withdrawals/events.ts';
import { bookGas, settleFunds } from '../db/repositories/payments/funds.ts';
import { endNonce, lockLiveReservation, type NonceReservationRow } from '../db/repositories/payments/nonces.ts';
import { stopWallet } from '../db/repositories/wallets/wallets.ts';
import { getWithdrawal, isClaimedPaid, lockWithdrawal, moveTo, setWithdrawal, type WithdrawalRow } from '../db/repositories/withdrawals/withdrawals.ts';
import { transact } from '../db/transact.ts';
import type { ConfirmVerdict } from './confirm.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';
import type { NonceFront } from './nonce-front.ts';

export interface SettlePorts {
  db: Database;
  nonceFront: NonceFront;
  crashPoint: CrashPoint;
  log: ActivityLog;
}

/** The verdicts the chain has finally ruled. */
export type FinalVerdict = Extract<ConfirmVerdict, { kind: 'paid' | 'unpaid' | 'mismatch' | 'voided' | 'nonce-lost' }>;
export interface SettleInput {
  requestId: string;
  verdict: FinalVerdict;
}

/**
 * Books what the chain finally ruled, in one transaction: the nonce is ended, the attempts are ended, the funds are
 * consumed or released, the status follows. Called twice: the reservation is no longer live, nothing is booked again.
 * Called again after the withdrawal took another nonce (a reset of its workflow): a verdict speaks of its own nonce only,
 * so the newer one, which may be paying, stays untouched.
 * Dies in the middle: nothing was booked. One (hash, log) settles one withdrawal only, by unique key.
 * @returns the status the withdrawal has now: an end, or where it goes on from
 */
export function makeSettle(ports: SettlePorts) {
  return moneyActivity('settle', ports.log, async ({ requestId, verdict }: SettleInput): Promise<WithdrawalStatus> => {
    const ended = await transact(ports.db, async (tx) => {
      const request = await lockWithdrawal(tx, requestId);
      const reservation = await lockLiveReservation(tx, requestId);
      if (!reservation || isEnd(request.status)) return null;
      if (!(await speaksOf(tx, reservation, verdict))) return null;
      const calls = await book(tx, request, reservation, verdict);
      return { reservation, calls };
    });
    if (ended) await ports.nonceFront.release(ended.reservation.chainId, ended.reservation.walletAddress, requestId, null);
    if (ended?.calls) ports.log.error({ requestId, wallet: ended.reservation.walletAddress, verdict }, 'a transaction this engine does not know moved value out of a hot wallet: the wallet is halted');
    ports.crashPoint('settled');
    return (await getWithdrawal(ports.db, requestId)).status;
  });
}

const UNPAID_EVENT = 'failed on chain: nothing was paid';

/** True when the verdict is about this very reservation, not an earlier one of the same withdrawal. */
async function speaksOf(tx: Transaction, reservation: NonceReservationRow, verdict: FinalVerdict): Promise<boolean> {
  const hashes = (await listAttempts(tx, reservation.id)).map(({ txHash }) => txHash as string);
  if (verdict.kind !== 'nonce-lost') return hashes.includes(verdict.txHash);
  if (verdict.nonce !== reservation.nonce) return false;
  if (hashes.includes(verdict.foreignTxHash)) throw new EngineError('INTERNAL', { reason: 'the transaction named as foreign is our own' });
  return true;
}

/** @returns true when a person has to be called: value left the wallet with a transaction that is not ours */
async function book(tx: Transaction, request: WithdrawalRow, reservation: NonceReservationRow, verdict: FinalVerdict): Promise<boolean> {
  const { requestId } = request;
  if (verdict.kind === 'nonce-lost') {
    await endNonce(tx, reservation.id, null);
    await endAttempts(tx, reservation.id, null, 'DROPPED');
    await setWithdrawal(tx, requestId, { hasLivePayment: false, txHash: null });
    const detail = { nonce: reservation.nonce, foreignTxHash: verdict.foreignTxHash, blockNumber: verdict.blockNumber };
    // A parked withdrawal stays where a person sees it; its workflow waits for one.
    if (request.status === 'DEAD_LETTERED' || !(await moveTo(tx, requestId, 'SIGNING', 'nonce lost to a foreign transaction', { detail }))) await appendEvent(tx, { requestId, type: 'nonce lost to a foreign transaction', detail });
    if (!verdict.movedValue) return false;
    await stopWallet(tx, reservation.chainId, reservation.walletAddress, { status: 'HALTED', reason: 'FOREIGN_OUTFLOW' });
    return raiseAlert(tx, { kind: 'FOREIGN_OUTFLOW', chainId: reservation.chainId, subject: reservation.walletAddress, detail: { nonce: reservation.nonce, txHash: verdict.foreignTxHash } });
  }

  const txHash = verdict.txHash as `0x${string}`;
  const cost = BigInt(verdict.costWei);
  const detail = { txHash, blockNumber: verdict.blockNumber, costWei: verdict.costWei };
  await endNonce(tx, reservation.id, txHash);
  switch (verdict.kind) {
    case 'paid':
      await endAttempts(tx, reservation.id, { txHash, status: 'CONFIRMED' }, 'REPLACED');
      await settleFunds(tx, requestId, { state: 'CONSUMED', spentAmount: request.amount, spentGasWei: cost, settledBlock: verdict.blockNumber });
      await enter(tx, requestId, 'COMPLETED', 'completed', detail, { txHash, paidTxHash: txHash, paidLogIndex: verdict.logIndex, hasLivePayment: false, errorCode: null, errorMessage: null, completedAt: new Date() });
      return false;
    case 'unpaid':
      await endAttempts(tx, reservation.id, { txHash, status: 'REVERTED' }, 'REPLACED');
      if (isClaimedPaid(request)) {
        // Paid by hand, perhaps: the chain is asked before it may be called unpaid.
        await bookGas(tx, requestId, cost);
        await setWithdrawal(tx, requestId, { hasLivePayment: false, txHash: null });
        await appendEvent(tx, { requestId, type: UNPAID_EVENT, detail });
        return false;
      }
      await settleFunds(tx, requestId, { state: 'RELEASED', spentAmount: 0n, spentGasWei: cost, settledBlock: verdict.blockNumber });
      await enter(tx, requestId, 'FAILED', UNPAID_EVENT, detail, { txHash, hasLivePayment: false, errorCode: 'TRANSFER_REFUSED', errorMessage: 'mined without moving the tokens', completedAt: new Date() });
      return false;
    case 'mismatch':
      // Money moved, but not what was asked. It stays "unknown" until a person has looked; nothing pays again by itself.
      await endAttempts(tx, reservation.id, { txHash, status: 'CONFIRMED' }, 'REPLACED');
      await settleFunds(tx, requestId, { state: 'CONSUMED', spentAmount: request.amount, spentGasWei: cost, settledBlock: verdict.blockNumber });
      await setWithdrawal(tx, requestId, { txHash, paidTxHash: txHash });
      await appendEvent(tx, { requestId, type: 'paid differently than asked', detail: { ...detail, received: verdict.received } });
      return false;
    case 'voided':
      await endAttempts(tx, reservation.id, { txHash, status: 'CONFIRMED' }, 'REPLACED');
      await setWithdrawal(tx, requestId, { hasLivePayment: false, txHash: null });
      await voided(tx, request, cost, verdict.blockNumber, detail);
      return false;
    default:
      return verdict satisfies never;
  }
}

/** The nonce is gone and nothing was paid. Ends what was cancelled; leaves parked what is parked; anything else is signed anew. */
async function voided(tx: Transaction, request: WithdrawalRow, cost: bigint, settledBlock: number, detail: Record<string, string | number>): Promise<void> {
  const { requestId } = request;
  const type = 'nonce voided: nothing was paid';
  if (request.status === 'DEAD_LETTERED' || !(await moveTo(tx, requestId, 'SIGNING', type, { detail }))) await appendEvent(tx, { requestId, type, detail });
  // Paid by hand, perhaps: the chain is asked before it may be called unpaid.
  if (request.cancelIntentAt === null || isClaimedPaid(request)) {
    await bookGas(tx, requestId, cost);
    return;
  }
  await settleFunds(tx, requestId, { state: 'RELEASED', spentAmount: 0n, spentGasWei: cost, settledBlock });
  const set = { errorCode: 'CANCELLED_BY_REQUEST', errorMessage: 'its nonce was consumed without paying', completedAt: new Date() };
  if (!(await moveTo(tx, requestId, 'CANCELLED', 'cancelled', { detail, set }))) throw new EngineError('INVALID_STATE', { reason: 'cannot enter CANCELLED' });
}

async function enter(tx: Transaction, requestId: string, status: 'COMPLETED' | 'FAILED', event: string, detail: Record<string, string | number>, set: Parameters<typeof setWithdrawal>[2]): Promise<void> {
  // The receipt may be final before its inclusion was written down; an end is entered through the statuses it follows.
  await moveTo(tx, requestId, 'CONFIRMING', 'included in a block', { detail });
  if (await moveTo(tx, requestId, status, event, { detail, set })) return;
  // Whatever the status says, the chain has ruled: every status may be parked, and from there it ends.
  await moveTo(tx, requestId, 'DEAD_LETTERED', 'status did not fit what the chain ruled', { detail });
  if (!(await moveTo(tx, requestId, status, event, { detail, set }))) throw new EngineError('INVALID_STATE', { reason: `cannot enter ${status}` });
}
