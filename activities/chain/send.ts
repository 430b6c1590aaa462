import { keccak256 } from 'ethers';
import { EngineError } from '../../domain/errors.ts';
import { classifySendError, type SendVerdict } from '../../domain/send-errors.ts';
import { mergeSendVerdicts } from '../../domain/send-merge.ts';
import { RpcAnswerError, type Outcome, type Rpc } from './rpc.ts';
import type { Hash } from './blocks.ts';

export type SendResult = SendVerdict & { text: string };

/**
 * Hands committed bytes to several endpoints at once, and merges what they say: one that has them makes them sent. Never
 * throws for what a node says: a timeout is `unknown`, not failed. Where one node takes them and another calls them
 * impossible, a person is told and the success stands. Called twice, or dying in the middle: sending the same bytes again
 * is always safe, they have one hash and one nonce.
 */
export async function sendRawTransaction(rpc: Rpc, rawTransaction: string): Promise<SendResult> {
  const txHash = keccak256(rawTransaction);
  const outcomes = await rpc.callSeveral<string | null>('eth_sendRawTransaction', [rawTransaction]);
  const results = outcomes.map((outcome) => ({ endpoint: outcome.endpoint, ...toResult(outcome, txHash) }));
  const { verdict, contradiction } = mergeSendVerdicts(results);
  if (!verdict) return { kind: 'unknown', text: 'no endpoint can be used' };
  if (contradiction) {
    const endpoints = results.map(({ endpoint }) => endpoint);
    rpc.alarm(endpoints, { subject: txHash, method: 'eth_sendRawTransaction', reason: results.map(({ kind }) => kind).join(', ') });
  }
  return { kind: verdict.kind, text: verdict.text };
}

function toResult(outcome: Outcome<string | null>, txHash: string): SendResult {
  if (!('error' in outcome)) {
    // A node that names another hash did something else than it was asked: whether it has these bytes is open.
    return outcome.result?.toLowerCase() === txHash ? { kind: 'accepted', text: txHash } : { kind: 'unknown', text: 'the node answered with another hash' };
  }
  const { error } = outcome;
  return { ...(error instanceof RpcAnswerError ? classifySendError(error.message) : { kind: 'unknown' }), text: error.message.slice(0, 300) };
}

/** True when any of the endpoints asked knows the hash, mined or not. Throws `CHAIN_UNAVAILABLE` when none answers. */
export async function isKnown(rpc: Rpc, txHash: Hash): Promise<boolean> {
  const outcomes = await rpc.callSeveral<unknown>('eth_getTransactionByHash', [txHash]);
  const answered = outcomes.flatMap((outcome) => ('error' in outcome ? [] : [outcome.result]));
  if (answered.length === 0) throw noAnswer(outcomes);
  return answered.some((transaction) => transaction !== null);
}

function noAnswer(outcomes: readonly Outcome<unknown>[]): Error {
  const cause = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : [])).at(0);
  if (cause instanceof RpcAnswerError) return cause;
  return new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getTransactionByHash', reason: cause?.message ?? 'no endpoint can be used' }, { cause });
}
