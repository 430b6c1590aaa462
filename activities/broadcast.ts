import { asyncLocalStorage } from '@temporalio/activity';
import { keccak256 } from 'ethers';
import { EngineError } from '../domain/errors.ts';
import type { SendVerdictKind } from '../domain/send-errors.ts';
import { beginSend, nextStep, type SendEnd, type SendFact } from '../domain/send-policy.ts';
import type { Database, Queryable } from '../db/client.ts';
import type { CrashPoint } from '../db/crash-point.ts';
import { raiseAlert } from '../db/repositories/operations/alerts.ts';
import { listAttempts, markBroadcasted, type AttemptRow } from '../db/repositories/payments/attempts.ts';
import { appendEvent } from '../db/repositories/withdrawals/events.ts';
import { passHaltGate } from '../db/repositories/operations/halt-gate.ts';
import { assertNotHalted } from '../db/repositories/operations/halts.ts';
import { getLiveReservation } from '../db/repositories/payments/nonces.ts';
import { getWallet, stopWallet } from '../db/repositories/wallets/wallets.ts';
import { getWithdrawal, lockWithdrawal, moveTo, type WithdrawalRow } from '../db/repositories/withdrawals/withdrawals.ts';
import { transact } from '../db/transact.ts';
import { readTransactionCount } from './chain/blocks.ts';
import { readReceipt } from './chain/receipts.ts';
import type { Rpc } from './chain/rpc.ts';
import { isKnown, sendRawTransaction } from './chain/send.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';

export interface BroadcastPorts {
  db: Database;
  rpc: Rpc;
  crashPoint: CrashPoint;
  log: ActivityLog;
  /** the policy's clock; the real one when absent */
  clock?: Clock;
}

interface Clock {
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

export type BroadcastResult =
  /** a node has the bytes, or the nonce is already decided on chain: confirmation tells which */
  | { kind: 'sent' }
  /** priced below what the node takes: sign a replacement */
  | { kind: 'underpriced' }
  /** the node refuses for a reason nobody listed */
  | { kind: 'rejected'; reason: string }
  /**
   * not sent: a cancel intent stands, or its token is halted and no node was ever given these bytes. Void the nonce, or the
   * payments of others wait behind it.
   */
  | { kind: 'withheld'; because: 'cancelled' | 'halted' };

/** What one run hands over: all attempts on the nonce, oldest first. Only the newest is sent; any of them may have been mined. */
interface HandOver {
  request: WithdrawalRow;
  attempts: readonly AttemptRow[];
  newest: AttemptRow;
}

/** How old the last look at the halts may be when bytes leave: a process that slept in between looks again. */
const LOOK_GOOD_FOR_MS = 250;

interface Outcome {
  end: SendEnd;
  /** what the last answer meant */
  verdict: SendVerdictKind;
  /** the last answer, word for word */
  answer: string;
}

/**
 * Sends the newest committed attempt of a withdrawal, as `domain/send-policy.ts` says: this only asks and does. Called
 * twice: the same bytes, one hash, one nonce, so at most one payment. Dies after sending: the next run sends them again and
 * finds them by their hash. A timeout is unknown, never failed.
 *
 * Throws `HALTED`, `BOOKS_BEHIND` or `WALLET_UNAVAILABLE` while a halt stands, `PARKED` for a payment that waits for a person, and
 * transient codes for whatever has to be waited out: the nonce is kept, and the same bytes are handed over again.
 */
export function makeBroadcast(ports: BroadcastPorts) {
  const { db, rpc, clock = REAL_CLOCK } = ports;

  return moneyActivity('broadcast', ports.log, async ({ requestId }: { requestId: string }): Promise<BroadcastResult> => {
    const handOver = await readHandOver(requestId);
    // Without a live reservation the chain has already ruled on the nonce.
    if (!handOver) return { kind: 'sent' };
    const { newest } = handOver;
    if (keccak256(newest.rawTransaction) !== newest.txHash) throw new EngineError('INTERNAL', { reason: 'the stored bytes are not those of their hash' });
    const lookedAtMs = clock.nowMs();
    const because = await beginSending(handOver);
    return because === null ? conclude(handOver, await follow(handOver, lookedAtMs)) : { kind: 'withheld', because };
  });

  async function readHandOver(requestId: string): Promise<HandOver | null> {
    const reservation = await getLiveReservation(db, requestId);
    const attempts = reservation ? await listAttempts(db, reservation.id) : [];
    const newest = attempts.at(-1);
    return newest ? { request: await getWithdrawal(db, requestId), attempts, newest } : null;
  }

  /**
   * Says that a payment is being sent, unless it may not be; rows are locked in the order withdrawal, gate, as where bytes are committed.
   * @returns why it may not: a wish to cancel, or the halt of its token, which holds back what no node has while other tokens of the
   * wallet go on behind it. Other halts are thrown.
   */
  async function beginSending(handOver: HandOver): Promise<'cancelled' | 'halted' | null> {
    const { request, newest } = handOver;
    const { requestId } = request;
    try {
      return await transact(db, async (tx) => {
        const { status, cancelIntentAt } = await lockWithdrawal(tx, requestId);
        if (newest.purpose === 'PAY' && cancelIntentAt !== null) return 'cancelled';
        // A person was called, perhaps because it was paid by hand: its nonce is being voided.
        if (newest.purpose === 'PAY' && status === 'DEAD_LETTERED') throw new EngineError('PARKED', { requestId });
        await passHaltGate(tx);
        await assertMayBeSent(tx, handOver);
        if (newest.purpose === 'PAY') await moveTo(tx, requestId, 'BROADCASTING', 'sending', { detail: { txHash: newest.txHash } });
        return null;
      });
    } catch (error) {
      const ofToken = error instanceof EngineError && error.code === 'HALTED' && error.parameters['scope'] === 'TOKEN';
      if (ofToken && handOver.attempts.every(({ broadcastedAt }) => broadcastedAt === null)) return 'halted';
      throw error;
    }
  }

  /** Does what the policy says and tells it what was learnt, until it has come to an end. */
  async function follow(handOver: HandOver, lookedAtMs: number): Promise<Outcome> {
    let answer = '';
    let { state, step } = beginSend({ sinceMs: firstScheduledMs() ?? clock.nowMs(), bumps: handOver.newest.ordinal });
    for (;;) {
      let fact: SendFact;
      switch (step.kind) {
        case 'send':
          if (state.sends > 1 || clock.nowMs() - lookedAtMs > LOOK_GOOD_FOR_MS) await assertStillNewest(handOver);
          ({ fact, answer } = await send(handOver.newest));
          break;
        case 'look-up-hash':
          fact = { kind: 'hash', known: await isKnown(rpc, handOver.newest.txHash) };
          break;
        case 'look-up-nonce':
          fact = { kind: 'nonce', used: await readUse(handOver) };
          break;
        case 'look-up-holder':
          fact = { kind: 'holder', holder: await readHolder(handOver) };
          break;
        case 'wait':
          await clock.sleep(step.ms);
          fact = { kind: 'waited' };
          break;
        default:
          return { end: step, verdict: state.verdict, answer };
      }
      ({ state, step } = nextStep(state, fact, clock.nowMs()));
    }
  }

  async function send(attempt: AttemptRow): Promise<{ fact: SendFact; answer: string }> {
    const { kind, text } = await sendRawTransaction(rpc, attempt.rawTransaction);
    ports.crashPoint('sent');
    // Another hash is no receipt for our bytes: ours is looked up.
    const misnamed = kind === 'accepted' && HASH.test(text) && text.toLowerCase() !== attempt.txHash.toLowerCase();
    return { fact: { kind: 'answer', verdict: misnamed ? 'unknown' : kind }, answer: text };
  }

  /** While this run waited, a halt may have been set, or newer bytes signed: those are then what is to be sent. */
  async function assertStillNewest(handOver: HandOver): Promise<void> {
    await assertMayBeSent(db, handOver);
    const now = await readHandOver(handOver.request.requestId);
    if (now?.newest.id !== handOver.newest.id) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_sendRawTransaction', reason: 'there are newer bytes' });
  }

  async function readUse({ attempts, newest }: HandOver): Promise<'by-us' | 'passed' | 'no'> {
    for (const { txHash } of attempts) if (await readReceipt(rpc, txHash)) return 'by-us';
    return (await readTransactionCount(rpc, newest.from, 'latest')) > newest.nonce ? 'passed' : 'no';
  }

  /** As far as it can be known: a pool is asked for our hashes, and whether it counts the nonce as taken. */
  async function readHolder({ attempts, newest }: HandOver): Promise<'newest' | 'older' | 'stranger' | 'unknown'> {
    if (await isKnown(rpc, newest.txHash)) return 'newest';
    for (const { txHash } of attempts.slice(0, -1).toReversed()) if (await isKnown(rpc, txHash)) return 'older';
    const pending = Number(await rpc.call<string>('eth_getTransactionCount', [newest.from, 'pending']));
    return pending > newest.nonce ? 'stranger' : 'unknown';
  }

  async function conclude({ request, newest }: HandOver, { end, verdict, answer }: Outcome): Promise<BroadcastResult> {
    switch (end.kind) {
      case 'confirm':
        return recordSent(request.requestId, newest, verdict);
      case 'bump':
        // Handed over all the same: bytes never offered to a node are what a replacement would be answered with.
        await transact(db, (tx) => markBroadcasted(tx, newest.id));
        return { kind: 'underpriced' };
      case 'refused':
        await appendEvent(db, { requestId: request.requestId, type: 'send refused by the node', detail: { txHash: newest.txHash, answer } });
        return { kind: 'rejected', reason: answer };
      case 'pause-wallet':
        await pauseForGas(newest, answer);
        throw new EngineError('WALLET_UNAVAILABLE', { wallet: newest.from, reason: answer });
      case 'call-guardian':
        await callGuardian(newest, answer);
        throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_sendRawTransaction', reason: answer });
      case 'try-later':
        throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_sendRawTransaction', reason: answer });
      default:
        return end satisfies never;
    }
  }

  async function recordSent(requestId: string, attempt: AttemptRow, answer: SendVerdictKind): Promise<BroadcastResult> {
    await transact(db, async (tx) => {
      const { status } = await lockWithdrawal(tx, requestId);
      await markBroadcasted(tx, attempt.id);
      const detail = { txHash: attempt.txHash, answer };
      // What was parked while it was sent stays where a person sees it; a word that it was paid by hand would be forgotten.
      const isParked = status === 'DEAD_LETTERED';
      if (attempt.purpose === 'PAY' && !isParked) await moveTo(tx, requestId, 'BROADCASTED', 'sent', { detail });
      else await appendEvent(tx, { requestId, type: attempt.purpose === 'PAY' ? 'sent' : 'voiding transaction sent', detail });
    });
    return { kind: 'sent' };
  }

  /** Nothing new is signed from a wallet that cannot pay for gas; what is signed keeps its nonce and goes out when there is gas again. */
  async function pauseForGas(attempt: AttemptRow, answer: string): Promise<void> {
    const opened = await transact(db, async (tx) => {
      await stopWallet(tx, attempt.chainId, attempt.from, { status: 'PAUSED', reason: 'GAS_LOW' });
      return raiseAlert(tx, { kind: 'GAS_LOW', chainId: attempt.chainId, subject: attempt.from, detail: { requestId: attempt.requestId, nonce: attempt.nonce, answer } });
    });
    if (opened) ports.log.error({ wallet: attempt.from, requestId: attempt.requestId, nonce: attempt.nonce, answer }, 'a hot wallet cannot pay for gas: it is paused');
  }

  async function callGuardian(attempt: AttemptRow, answer: string): Promise<void> {
    const opened = await raiseAlert(db, { kind: 'NONCE_GAP', chainId: attempt.chainId, subject: attempt.from, detail: { requestId: attempt.requestId, nonce: attempt.nonce, answer } });
    if (opened) ports.log.error({ wallet: attempt.from, requestId: attempt.requestId, nonce: attempt.nonce, answer }, 'a lower nonce of a hot wallet is missing');
  }
}

/** Asked just before each send. What pays nobody is held up by a halted wallet only. */
async function assertMayBeSent(queryable: Queryable, { request, newest }: HandOver): Promise<void> {
  const wallet = await getWallet(queryable, newest.chainId, newest.from);
  if (wallet.status === 'HALTED') throw new EngineError('WALLET_UNAVAILABLE', { wallet: wallet.address, reason: wallet.status });
  if (newest.purpose === 'PAY') await assertNotHalted(queryable, { chainId: newest.chainId, tokenAddress: request.tokenAddress, walletAddress: newest.from });
}

const HASH = /^0x[0-9a-f]{64}$/i;

/** Inside Temporal a sleep ends with the worker, outside by the clock alone. */
const REAL_CLOCK: Clock = {
  nowMs: Date.now,
  async sleep(ms) {
    const context = asyncLocalStorage.getStore();
    if (context) await context.sleep(ms);
    else await new Promise((resolve) => setTimeout(resolve, ms));
  },
};

/** When this activity was first scheduled, over all its tries. It dates a nuisance for an alert, and decides nothing about money. */
function firstScheduledMs(): number | undefined {
  return asyncLocalStorage.getStore()?.info.scheduledTimestampMs;
}
