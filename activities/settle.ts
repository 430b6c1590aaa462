import { EngineError } from '../domain/errors.ts';
import { isEnd } from '../domain/status.ts';
import type { Database, Transaction } from '../db/client.ts';
import type { CrashPoint } from '../db/crash-point.ts';
import { endAttempts, listAttempts } from '../db/repositories/attempts.ts';
import { appendEvent } from '../db/repositories/events.ts';
import { settleFunds } from '../db/repositories/funds.ts';
import { endNonce, lockLiveReservation, type NonceReservationRow } from '../db/repositories/nonces.ts';
import { lockWithdrawal, moveTo, setWithdrawal, type WithdrawalRow } from '../db/repositories/withdrawals.ts';
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
 */
export function makeSettle(ports: SettlePorts) {
  return moneyActivity('settle', ports.log, async ({ requestId, verdict }: SettleInput): Promise<void> => {
    const ended = await transact(ports.db, async (tx) => {
      const request = await lockWithdrawal(tx, requestId);
      const reservation = await lockLiveReservation(tx, requestId);
      if (!reservation || isEnd(request.status)) return null;
      if (!(await speaksOf(tx, reservation, verdict))) return null;
      await book(tx, request, reservation, verdict);
      return reservation;
    });
    if (ended) await ports.nonceFront.release(ended.chainId, ended.walletAddress, requestId, null);
    ports.crashPoint('settled');
  });
}

/** True when the verdict is about this very reservation, not an earlier one of the same withdrawal. */
async function speaksOf(tx: Transaction, reservation: NonceReservationRow, verdict: FinalVerdict): Promise<boolean> {
  const hashes = (await listAttempts(tx, reservation.id)).map(({ txHash }) => txHash as string);
  if (verdict.kind !== 'nonce-lost') return hashes.includes(verdict.txHash);
  if (verdict.nonce !== reservation.nonce) return false;
  if (hashes.includes(verdict.foreignTxHash)) throw new EngineError('INTERNAL', { reason: 'the transaction named as foreign is our own' });
  return true;
}

async function book(tx: Transaction, request: WithdrawalRow, reservation: NonceReservationRow, verdict: FinalVerdict): Promise<void> {
  const { requestId } = request;
  if (verdict.kind === 'nonce-lost') {
    await endNonce(tx, reservation.id, null);
    await endAttempts(tx, reservation.id, null, 'DROPPED');
    await setWithdrawal(tx, requestId, { hasLivePayment: false, txHash: null });
    const detail = { nonce: reservation.nonce, foreignTxHash: verdict.foreignTxHash, blockNumber: verdict.blockNumber };
    // A parked withdrawal stays where a person sees it; its workflow waits for one.
    if (request.status === 'DEAD_LETTERED' || !(await moveTo(tx, requestId, 'SIGNING', 'nonce lost to a foreign transaction', { detail }))) await appendEvent(tx, { requestId, type: 'nonce lost to a foreign transaction', detail });
    return;
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
      return;
    case 'unpaid':
      await endAttempts(tx, reservation.id, { txHash, status: 'REVERTED' }, 'REPLACED');
      await settleFunds(tx, requestId, { state: 'RELEASED', spentAmount: 0n, spentGasWei: cost, settledBlock: verdict.blockNumber });
      await enter(tx, requestId, 'FAILED', 'failed on chain: nothing was paid', detail, { txHash, hasLivePayment: false, errorCode: 'TRANSFER_REFUSED', errorMessage: 'mined without moving the tokens', completedAt: new Date() });
      return;
    case 'mismatch':
      // Money moved, but not what was asked. It stays "unknown" until a person has looked; nothing pays again by itself.
      await endAttempts(tx, reservation.id, { txHash, status: 'CONFIRMED' }, 'REPLACED');
      await settleFunds(tx, requestId, { state: 'CONSUMED', spentAmount: request.amount, spentGasWei: cost, settledBlock: verdict.blockNumber });
      await setWithdrawal(tx, requestId, { txHash, paidTxHash: txHash });
      await appendEvent(tx, { requestId, type: 'paid differently than asked', detail: { ...detail, received: verdict.received } });
      return;
    case 'voided':
      await endAttempts(tx, reservation.id, { txHash, status: 'CONFIRMED' }, 'REPLACED');
      await setWithdrawal(tx, requestId, { hasLivePayment: false, txHash: null });
      // A payment that was seen and then lost the race has moved the status on; the withdrawal is still parked.
      if (!(await moveTo(tx, requestId, 'DEAD_LETTERED', 'nonce voided: nothing was paid', { detail }))) await appendEvent(tx, { requestId, type: 'nonce voided: nothing was paid', detail });
      return;
    default:
      verdict satisfies never;
  }
}

async function enter(tx: Transaction, requestId: string, status: 'COMPLETED' | 'FAILED', event: string, detail: Record<string, string | number>, set: Parameters<typeof setWithdrawal>[2]): Promise<void> {
  // The receipt may be final before its inclusion was written down; an end is entered through the statuses it follows.
  await moveTo(tx, requestId, 'CONFIRMING', 'included in a block', { detail });
  if (!(await moveTo(tx, requestId, status, event, { detail, set }))) throw new EngineError('INVALID_STATE', { reason: `cannot enter ${status}` });
}
