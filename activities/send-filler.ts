import { keccak256 } from 'ethers';
import { EngineError } from '../domain/errors.ts';
import type { Database } from '../db/client.ts';
import type { CrashPoint } from '../db/crash-point.ts';
import { listAttempts, markBroadcasted } from '../db/repositories/payments/attempts.ts';
import { transact } from '../db/transact.ts';
import type { Rpc } from './chain/rpc.ts';
import { isKnown, sendRawTransaction } from './chain/send.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';
import { fillerThatMayGo } from './guardian/may-fill.ts';

export interface SendFillerPorts {
  db: Database;
  rpc: Rpc;
  crashPoint: CrashPoint;
  log: ActivityLog;
}

export type SendFillerResult =
  /** a node has the bytes, or the chain decides on the nonce already */
  | { kind: 'sent' }
  /** below the node's minimum price: a replacement is due */
  | { kind: 'underpriced'; ordinal: number }
  /** not now; the next look sends again */
  | { kind: 'refused'; reason: string };

/**
 * Sends the newest committed attempt of a filler. Called twice: the same bytes, one hash, one nonce. Dies after sending: the
 * next look sends them again and hears "already known". A timeout is unknown, never failed.
 */
export function makeSendFiller(ports: SendFillerPorts) {
  const { db, rpc } = ports;

  return moneyActivity('sendFiller', ports.log, async ({ requestId }: { requestId: string }): Promise<SendFillerResult> => {
    const filler = await fillerThatMayGo(db, requestId);
    const attempt = filler && (await listAttempts(db, filler.reservation.id)).at(-1);
    if (!attempt) return { kind: 'sent' };
    if (keccak256(attempt.rawTransaction) !== attempt.txHash) throw new EngineError('INTERNAL', { reason: 'the stored bytes are not those of their hash' });
    const { kind, text } = await sendRawTransaction(rpc, attempt.rawTransaction);
    ports.crashPoint('sent');
    const isOut = kind === 'accepted' || kind === 'nonce-consumed' || kind === 'underpriced-replacement' || (kind === 'unknown' && (await isKnown(rpc, attempt.txHash)));
    if (isOut || kind === 'underpriced') await transact(db, (tx) => markBroadcasted(tx, attempt.id));
    if (isOut) return { kind: 'sent' };
    return kind === 'underpriced' ? { kind, ordinal: attempt.ordinal } : { kind: 'refused', reason: `${kind}: ${text}` };
  });
}
