import { Context } from '@temporalio/activity';
import type { Address } from '../domain/address.ts';
import { EngineError } from '../domain/errors.ts';
import { judgePayment, type PaymentVerdict } from '../domain/payment.ts';
import { UNCONFIRMED_EVENT } from '../domain/webhook-events.ts';
import type { Database, Transaction } from '../db/client.ts';
import type { CrashPoint } from '../db/crash-point.ts';
import { listAttempts, type AttemptRow } from '../db/repositories/payments/attempts.ts';
import { recordMined, recordUnmined } from '../db/repositories/payments/chain-view.ts';
import { getLiveReservation, lockLiveReservation } from '../db/repositories/payments/nonces.ts';
import { getWithdrawal, lockWithdrawal, moveTo, type WithdrawalRow } from '../db/repositories/withdrawals/withdrawals.ts';
import { transact } from '../db/transact.ts';
import type { BlockFollower, Watch } from './chain/block-follower.ts';
import type { Hash } from './chain/blocks.ts';
import { findNonceConsumer } from './chain/nonce-consumer.ts';
import type { Receipt } from './chain/receipts.ts';
import type { Rpc } from './chain/rpc.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';
import { judgeForeign } from './foreign-outflow.ts';

export interface ConfirmPorts {
  db: Database;
  rpc: Rpc;
  follower: BlockFollower;
  crashPoint: CrashPoint;
  log: ActivityLog;
}

interface MinedFacts {
  txHash: string;
  blockNumber: number;
  /** wei, decimal */
  costWei: string;
}

export type ConfirmVerdict =
  | ({ kind: 'paid'; logIndex: number } & MinedFacts)
  /** final, and nothing moved */
  | ({ kind: 'unpaid' } & MinedFacts)
  /** final, and the recipient did not receive exactly the amount (`received` in base units, decimal) */
  | ({ kind: 'mismatch'; received: string } & MinedFacts)
  /** final, consumed by our own transaction that pays nobody */
  | ({ kind: 'voided' } & MinedFacts)
  /** final, consumed by a transaction this engine never signed */
  | { kind: 'nonce-lost'; nonce: number; foreignTxHash: string; blockNumber: number; movedValue: boolean }
  /** no node knows the bytes any more: send them again */
  | { kind: 'resend' }
  /** lowest nonce of its wallet and unmined for too long: replace it at a higher fee */
  | { kind: 'stuck' }
  /** the nonce was settled before; nothing is watched */
  | { kind: 'settled' };

/**
 * Follows a withdrawal's nonce until the chain has ruled on it by block hash, or it needs another hand. One heartbeating
 * activity waits for one withdrawal; the follower it asks reads each block once for all of them.
 *
 * Called twice, or by two monitors: both see the same chain and write the same rows. Dies: the next run asks for the
 * receipt anew. A missing receipt is never taken for a failure; a lost nonce needs the foreign transaction as proof.
 */
export function makeConfirm(ports: ConfirmPorts) {
  const { db, rpc, follower } = ports;

  return moneyActivity('confirm', ports.log, async ({ requestId }: { requestId: string }): Promise<ConfirmVerdict> => {
    const request = await getWithdrawal(db, requestId);
    const reservation = await getLiveReservation(db, requestId);
    const attempts = reservation ? await listAttempts(db, reservation.id) : [];
    if (!reservation || attempts.length === 0) return { kind: 'settled' };
    const watch = follower.watch({ wallet: reservation.walletAddress, nonce: reservation.nonce, hashes: attempts.map(({ txHash }) => txHash) });
    try {
      return await followUntilRuled(request, attempts, watch, Context.current().cancellationSignal);
    } finally {
      watch.close();
    }
  });

  async function followUntilRuled(request: WithdrawalRow, attempts: readonly AttemptRow[], watch: Watch, signal: AbortSignal): Promise<ConfirmVerdict> {
    for (;;) {
      const event = await watch.next(signal);
      switch (event.kind) {
        case 'mined':
          await recordSeen(request, attempts, event.receipt, false);
          ports.crashPoint('receipt-seen');
          break;
        case 'final':
          await recordSeen(request, attempts, event.receipt, true);
          return judge(request, attempts, event.receipt);
        case 'reorged':
          await recordReorg(request, attempts, event.txHash);
          return { kind: 'resend' };
        case 'nonce-passed': {
          const verdict = await proveConsumer(attempts, event.finalBlock);
          if (verdict) return verdict;
          break;
        }
        case 'stuck':
          return { kind: 'stuck' };
        case 'lost':
          return { kind: 'resend' };
      }
    }
  }

  async function recordSeen(request: WithdrawalRow, attempts: readonly AttemptRow[], receipt: Receipt, final: boolean): Promise<void> {
    const pays = attemptOf(attempts, receipt).purpose === 'PAY';
    await transact(db, async (tx) => {
      const { status } = await lockWithdrawal(tx, request.requestId);
      if (!(await isStillOpen(tx, request, attempts))) return;
      await recordMined(tx, { chainId: request.chainId, requestId: request.requestId, ...receipt }, final);
      // A parked withdrawal stays where a person sees it until the chain has ruled.
      if (pays && status !== 'DEAD_LETTERED') await moveTo(tx, request.requestId, 'CONFIRMING', 'included in a block', { detail: { txHash: receipt.txHash, blockNumber: receipt.blockNumber, blockHash: receipt.blockHash } });
    });
  }

  async function recordReorg(request: WithdrawalRow, attempts: readonly AttemptRow[], txHash: Hash): Promise<void> {
    // A voiding transaction moves no status on its way in, so it moves none on its way out.
    const pays = attempts.some((attempt) => attempt.txHash === txHash && attempt.purpose === 'PAY');
    await transact(db, async (tx) => {
      const { status } = await lockWithdrawal(tx, request.requestId);
      if (!(await isStillOpen(tx, request, attempts))) return;
      await recordUnmined(tx, request.chainId, txHash);
      if (pays && status !== 'DEAD_LETTERED') await moveTo(tx, request.requestId, 'BROADCASTED', UNCONFIRMED_EVENT, { detail: { txHash } });
    });
  }

  /** Names who consumed the nonce. Our own hash, or no proof, means: go on watching. */
  async function proveConsumer(attempts: readonly AttemptRow[], finalBlock: number): Promise<ConfirmVerdict | null> {
    const [first] = attempts;
    if (!first) return null;
    const consumer = await findNonceConsumer(rpc, first.from, first.nonce, finalBlock);
    if (!consumer || attempts.some(({ txHash }) => txHash === consumer.txHash)) return null;
    // Signed while this run was watching: another look, with every attempt there is.
    if ((await listAttempts(db, first.reservationId)).some(({ txHash }) => txHash === consumer.txHash)) return { kind: 'resend' };
    const verdict = await judgeForeign({ db, rpc }, first.from as Address, consumer);
    if (!verdict) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getTransactionByHash', reason: 'no node shows what consumed a nonce' });
    return { kind: 'nonce-lost', nonce: first.nonce, foreignTxHash: consumer.txHash, blockNumber: consumer.blockNumber, movedValue: verdict.movesValue };
  }
}

/** False once the nonce was settled: a monitor that was given up, and looks through a node on another fork, writes nothing over that. */
async function isStillOpen(tx: Transaction, { requestId }: WithdrawalRow, attempts: readonly AttemptRow[]): Promise<boolean> {
  const live = await lockLiveReservation(tx, requestId);
  return live !== null && attempts.some(({ reservationId }) => reservationId === live.id);
}

function judge(request: WithdrawalRow, attempts: readonly AttemptRow[], receipt: Receipt): ConfirmVerdict {
  const attempt = attemptOf(attempts, receipt);
  const facts = { txHash: receipt.txHash, blockNumber: receipt.blockNumber, costWei: (receipt.gasUsed * receipt.effectiveGasPrice).toString() };
  if (attempt.purpose === 'VOID') return { kind: 'voided', ...facts };
  const verdict: PaymentVerdict = judgePayment(
    // `to` and `value` are ours to know: the hash commits to the bytes we signed.
    { succeeded: receipt.succeeded, to: attempt.to, value: attempt.value, logs: receipt.logs },
    { walletAddress: attempt.from, toAddress: request.toAddress, tokenAddress: request.tokenAddress, amount: request.amount },
  );
  switch (verdict.kind) {
    case 'paid':
      return { kind: 'paid', logIndex: verdict.logIndex, ...facts };
    case 'unpaid':
      return { kind: 'unpaid', ...facts };
    case 'mismatch':
      return { kind: 'mismatch', received: verdict.received.toString(), ...facts };
    default:
      return verdict satisfies never;
  }
}

function attemptOf(attempts: readonly AttemptRow[], receipt: Receipt): AttemptRow {
  const attempt = attempts.find(({ txHash }) => txHash === receipt.txHash);
  if (!attempt) throw new Error('a receipt was matched to an attempt that is not there');
  return attempt;
}
