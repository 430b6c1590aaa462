import { classifySendError, type SendVerdict } from '../../domain/send-errors.ts';
import { EngineError } from '../../domain/errors.ts';
import { RpcAnswerError, type Rpc } from './rpc.ts';
import type { Hash } from './blocks.ts';

export type SendResult = SendVerdict & { text: string };

/**
 * Hands committed bytes to the chain. Never throws for what a node says: a timeout is `unknown`, not failed. Sending the
 * same bytes again is always safe, they have one hash and one nonce.
 */
export async function sendRawTransaction(rpc: Rpc, rawTransaction: string): Promise<SendResult> {
  try {
    const hash = await rpc.call<Hash>('eth_sendRawTransaction', [rawTransaction]);
    return { kind: 'accepted', text: hash };
  } catch (error) {
    if (error instanceof RpcAnswerError) return { ...classifySendError(error.message), text: error.message.slice(0, 300) };
    if (error instanceof EngineError) return { kind: 'unknown', text: error.message.slice(0, 300) };
    throw error;
  }
}

/** True when the node knows the hash, mined or not. */
export async function isKnown(rpc: Rpc, txHash: Hash): Promise<boolean> {
  return (await rpc.call<unknown>('eth_getTransactionByHash', [txHash])) !== null;
}
