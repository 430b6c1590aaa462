import { findNonceConsumer, type NonceConsumer } from './nonce-consumer.ts';
import { readOwnInBlock } from './own-transactions.ts';
import { lacksState, RpcAnswerError, type Rpc } from './rpc.ts';

/** About an hour of Polygon. Further back it takes a node that keeps past states. */
const BLOCKS_MAX = 2_000;
/** Calls at once: quick, and polite to a public endpoint. */
const CALLS_AT_ONCE = 8;

/**
 * Finds who consumed a nonce as `findNonceConsumer` does, and, where no node keeps so old a state, by reading the blocks themselves,
 * newest first. Slow, so for a recovery and not for a busy engine. Null when the nonce is not consumed there, or no transaction consumed
 * it; `unknown` when that lies further back than is read, or in a block that no node shows.
 */
export async function searchNonceConsumer(rpc: Rpc, wallet: string, nonce: number, finalBlock: number): Promise<NonceConsumer | null | 'unknown'> {
  try {
    return await findNonceConsumer(rpc, wallet, nonce, finalBlock);
  } catch (error) {
    if (error instanceof RpcAnswerError && lacksState(error)) return searchBlocks(rpc, wallet, nonce, finalBlock);
    throw error;
  }
}

async function searchBlocks(rpc: Rpc, wallet: string, nonce: number, finalBlock: number): Promise<NonceConsumer | null | 'unknown'> {
  const last = Math.max(0, finalBlock - BLOCKS_MAX + 1);
  for (let high = finalBlock; high >= last; high -= CALLS_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(CALLS_AT_ONCE, high - last + 1) }, (_, index) => high - index);
    const shown = await Promise.all(numbers.map((number) => readOwnInBlock(rpc, wallet, number)));
    const own = shown.flatMap((transactions) => transactions ?? []);
    const consumer = own.find((transaction) => transaction.nonce === nonce);
    if (consumer) return { txHash: consumer.txHash, blockNumber: consumer.block };
    // It may lie in the very block that is not shown.
    if (shown.includes(null)) return 'unknown';
    // Nonces rise with the blocks: below an earlier one there is nothing to find.
    if (own.some((transaction) => transaction.nonce < nonce)) return null;
  }
  return last === 0 ? null : 'unknown';
}
