import { EngineError } from '../domain/errors.ts';
import { receivedBy } from '../domain/payment.ts';
import type { Settings } from '../domain/settings.ts';
import { isEnd } from '../domain/status.ts';
import type { Database, Transaction } from '../db/client.ts';
import { raiseAlert } from '../db/repositories/operations/alerts.ts';
import { findAttemptByHash } from '../db/repositories/payments/attempts.ts';
import { appendEvent } from '../db/repositories/withdrawals/events.ts';
import { settleFunds } from '../db/repositories/payments/funds.ts';
import { freeNonce, getLiveReservation } from '../db/repositories/payments/nonces.ts';
import { getWithdrawal, isClaimedPaid, lockWithdrawal, moveTo, setWithdrawal, type WithdrawalRow } from '../db/repositories/withdrawals/withdrawals.ts';
import { isDuplicateKey, transact } from '../db/transact.ts';
import { readFinalHeader, readFinalizedNumber, readHeader, type Hash } from './chain/blocks.ts';
import { readFinalReceipt } from './chain/receipts.ts';
import type { Rpc } from './chain/rpc.ts';
import { readMinedTransaction } from './chain/transactions.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';

export interface MarkPaidInput {
  requestId: string;
  /** the transaction an operator says paid it */
  txHash: string;
  /** false while it is asked again for a payment that is not final yet */
  lastLook?: boolean;
}

export type MarkPaidResult =
  /** the chain shows it, and the withdrawal ended as paid by it */
  | { kind: 'paid' }
  /** not believed, or not possible now; the timeline says why */
  | { kind: 'refused'; reason: MarkPaidRefusal };

export type MarkPaidRefusal = 'not-a-hash' | 'not-final' | 'too-old' | 'other-amount' | 'ours' | 'used' | 'payment-open' | 'ended';

/** What the chain shows of the payment. */
interface HandPaid {
  logIndex: number;
  blockNumber: number;
  from: string;
  /** base units */
  amount: bigint;
  /** our own payment that arrived short, as it stood when the rest was reckoned */
  shortTxHash: string | null;
}

/**
 * Ends a withdrawal that a person paid by hand, if the chain finally shows exactly that payment: to the recipient, in the
 * token, and together with what our own mismatched payment already gave exactly the amount. What the chain shows is no single
 * endpoint's word where two are there. Believed only after our own nonce was finally consumed without paying. One (hash, log) serves
 * one withdrawal, by unique key. Throws `CHAIN_UNAVAILABLE` while endpoints differ.
 *
 * Called twice: the end stands. Dies in the middle: nothing was booked. A payment by hand of a withdrawal the engine has
 * paid as well raises `DOUBLE_PAYMENT`; nothing is taken back.
 */
export function makeMarkPaid(ports: { db: Database; rpc: Rpc; settings: Settings; log: ActivityLog }) {
  const { db, rpc, settings } = ports;

  return moneyActivity('markPaid', ports.log, async ({ requestId, txHash, lastLook = true }: MarkPaidInput): Promise<MarkPaidResult> => {
    const request = await getWithdrawal(db, requestId);
    const seen = await examine(request, txHash);
    if (seen === 'not-final' && !lastLook) return { kind: 'refused', reason: seen };
    if (typeof seen === 'string') return refuse(requestId, txHash, seen);
    if (isEnd(request.status)) return afterEnd(request, txHash);
    try {
      const refusal = await transact(db, (tx) => book(tx, requestId, txHash as Hash, seen));
      return refusal === null ? { kind: 'paid' } : await refuse(requestId, txHash, refusal);
    } catch (error) {
      if (isDuplicateKey(error)) return refuse(requestId, txHash, 'used');
      throw error;
    }
  });

  /** Nothing leaves an end; but a payment that the chain shows beside it is a person's business. */
  async function afterEnd(request: WithdrawalRow, txHash: string): Promise<MarkPaidResult> {
    if (request.paidTxHash === txHash) return { kind: 'paid' };
    const kind = request.status === 'COMPLETED' ? 'DOUBLE_PAYMENT' : 'PAID_AFTER_END';
    const detail = { status: request.status, byEngine: request.paidTxHash, byHand: txHash };
    if (await raiseAlert(db, { kind, chainId: request.chainId, subject: request.requestId, detail })) {
      ports.log.error({ requestId: request.requestId, ...detail }, 'a withdrawal that had ended was paid by hand');
    }
    return { kind: 'refused', reason: 'ended' };
  }

  /** What the recipient got by the transaction, or why it is not believed. */
  async function examine(request: WithdrawalRow, txHash: string): Promise<MarkPaidRefusal | HandPaid> {
    if (!/^0x[0-9a-f]{64}$/.test(txHash)) return 'not-a-hash';
    const receipt = await readFinalReceipt(rpc, txHash as Hash);
    const head = await readHeader(rpc, 'latest');
    const finalized = head && (await readFinalizedNumber(rpc, settings.chain, head.number));
    if (!receipt || finalized === null || receipt.blockNumber > finalized) return 'not-final';
    const header = await readFinalHeader(rpc, receipt.blockNumber);
    if (header?.hash !== receipt.blockHash) return 'not-final';
    // Block times are whole seconds.
    if ((header.timestampSeconds + 1) * 1_000 < request.createdAt.getTime()) return 'too-old';
    const attempt = await findAttemptByHash(db, request.chainId, txHash as Hash);
    if (attempt && (attempt.requestId !== request.requestId || txHash !== request.paidTxHash)) return 'ours';
    const transaction = await readMinedTransaction(rpc, txHash as Hash);
    if (!transaction) return 'not-final';
    const { from, to, value } = transaction;
    const { amount, logIndex } = receivedBy({ succeeded: receipt.succeeded, to, value, logs: receipt.logs }, request);
    if (logIndex === null || amount + (await receivedBefore(request, txHash)) !== request.amount) return 'other-amount';
    return { logIndex, blockNumber: receipt.blockNumber, from, amount, shortTxHash: request.paidTxHash };
  }

  /** What our own final payment gave the recipient when it was not what was asked. */
  async function receivedBefore(request: WithdrawalRow, txHash: string): Promise<bigint> {
    if (request.paidTxHash === null || request.paidTxHash === txHash || request.status === 'COMPLETED') return 0n;
    const receipt = await readFinalReceipt(rpc, request.paidTxHash);
    if (!receipt) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getTransactionReceipt' });
    return receivedBy({ succeeded: receipt.succeeded, to: null, value: 0n, logs: receipt.logs }, request).amount;
  }

  async function refuse(requestId: string, txHash: string, reason: MarkPaidRefusal): Promise<MarkPaidResult> {
    await transact(db, async (tx) => {
      // The word no longer stands: a cancellation is possible again.
      if (isClaimedPaid(await lockWithdrawal(tx, requestId))) await setWithdrawal(tx, requestId, { errorCode: 'PARKED', errorMessage: `said to be paid by ${txHash.slice(0, 66)}: ${reason}` });
      await appendEvent(tx, { requestId, type: 'mark-paid not believed', detail: { txHash: txHash.slice(0, 66), reason } });
    });
    ports.log.warn({ requestId, txHash: txHash.slice(0, 66), reason }, 'a payment by hand was not believed');
    return { kind: 'refused', reason };
  }
}

async function book(tx: Transaction, requestId: string, txHash: Hash, seen: HandPaid): Promise<MarkPaidRefusal | null> {
  const request = await lockWithdrawal(tx, requestId);
  if (isEnd(request.status)) return request.status === 'COMPLETED' && request.paidTxHash === txHash ? null : 'ended';
  const live = await getLiveReservation(tx, requestId);
  if (live && live.state !== 'RESERVED') return 'payment-open';
  // Our own nonce was ruled on since the chain was asked: what is owed may be another amount now.
  if (request.paidTxHash !== seen.shortTxHash) return 'payment-open';
  await freeNonce(tx, requestId);
  // Paid by somebody else: what this wallet held for it is free again. A mismatch has consumed it before.
  await settleFunds(tx, requestId, { state: 'RELEASED', spentAmount: 0n, spentGasWei: 0n, settledBlock: null });
  const set = { txHash, paidTxHash: txHash, paidLogIndex: seen.logIndex, hasLivePayment: false, errorCode: null, errorMessage: null, completedAt: new Date() };
  const detail = { txHash, blockNumber: seen.blockNumber, from: seen.from, amount: seen.amount.toString() };
  if (!(await moveTo(tx, requestId, 'COMPLETED', 'paid by hand', { set, detail }))) return 'payment-open';
  return null;
}
