import { keccak256 } from 'ethers';
import { EngineError } from '../domain/errors.ts';
import type { Database } from '../db/client.ts';
import type { CrashPoint } from '../db/crash-point.ts';
import { listAttempts, markBroadcasted, type AttemptRow } from '../db/repositories/attempts.ts';
import { appendEvent } from '../db/repositories/events.ts';
import { getLiveReservation } from '../db/repositories/nonces.ts';
import { moveTo } from '../db/repositories/withdrawals.ts';
import { transact } from '../db/transact.ts';
import type { Rpc } from './chain/rpc.ts';
import { isKnown, sendRawTransaction, type SendResult } from './chain/send.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';

export interface BroadcastPorts {
  db: Database;
  rpc: Rpc;
  crashPoint: CrashPoint;
  log: ActivityLog;
}

export type BroadcastResult =
  /** a node has the bytes, or the nonce is already decided on chain: confirmation tells which */
  | { kind: 'sent' }
  /** below the node's minimum price: sign a replacement */
  | { kind: 'underpriced' }
  /** the node refuses for a reason nobody listed */
  | { kind: 'rejected'; reason: string };

/**
 * Sends the newest committed attempt of a withdrawal. Called twice: the same bytes, one hash, one nonce, so at most one
 * payment. Dies after sending: the next run sends them again and hears "already known". A timeout is unknown, never
 * failed: it is looked up by hash and otherwise retried.
 */
export function makeBroadcast(ports: BroadcastPorts) {
  const { db, rpc } = ports;

  return moneyActivity('broadcast', ports.log, async ({ requestId }: { requestId: string }): Promise<BroadcastResult> => {
    const reservation = await getLiveReservation(db, requestId);
    const attempt = reservation && (await listAttempts(db, reservation.id)).at(-1);
    // Without a live reservation the chain has already ruled on the nonce.
    if (!attempt) return { kind: 'sent' };
    if (keccak256(attempt.rawTransaction) !== attempt.txHash) throw new EngineError('INTERNAL', { reason: 'the stored bytes are not those of their hash' });
    if (attempt.purpose === 'PAY') await transact(db, (tx) => moveTo(tx, requestId, 'BROADCASTING', 'sending', { detail: { txHash: attempt.txHash } }));

    const result = await sendRawTransaction(rpc, attempt.rawTransaction);
    ports.crashPoint('sent');
    return conclude(requestId, attempt, result);
  });

  async function conclude(requestId: string, attempt: AttemptRow, result: SendResult): Promise<BroadcastResult> {
    switch (result.kind) {
      case 'accepted':
      case 'nonce-consumed':
      case 'underpriced-replacement':
        return recordSent(requestId, attempt, result);
      case 'unknown':
        if (await isKnown(rpc, attempt.txHash)) return recordSent(requestId, attempt, result);
        throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_sendRawTransaction', reason: result.text });
      case 'nonce-gap':
      case 'busy':
      case 'insufficient-funds':
        throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_sendRawTransaction', reason: result.text });
      case 'underpriced':
        // Handed over all the same: bytes never offered to a node are what a replacement would be answered with.
        await transact(db, (tx) => markBroadcasted(tx, attempt.id));
        return { kind: 'underpriced' };
      case 'reverts':
      case 'rejected':
        await appendEvent(db, { requestId, type: 'send refused by the node', detail: { txHash: attempt.txHash, answer: result.text } });
        return { kind: 'rejected', reason: result.text };
      default:
        return result satisfies never;
    }
  }

  async function recordSent(requestId: string, attempt: AttemptRow, result: SendResult): Promise<BroadcastResult> {
    await transact(db, async (tx) => {
      await markBroadcasted(tx, attempt.id);
      const detail = { txHash: attempt.txHash, answer: result.kind };
      if (attempt.purpose === 'PAY') await moveTo(tx, requestId, 'BROADCASTED', 'sent', { detail });
      else await appendEvent(tx, { requestId, type: 'voiding transaction sent', detail });
    });
    return { kind: 'sent' };
  }
}
