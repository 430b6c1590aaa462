import { sameAddress } from '../../domain/address.ts';
import { hexQuantity, readTransactionCount, type Hash } from './blocks.ts';
import type { Rpc } from './rpc.ts';

export interface NonceConsumer {
  txHash: Hash;
  blockNumber: number;
}

interface RawTransaction {
  hash: Hash;
  from: string;
  nonce: string;
}

/**
 * Finds the very transaction that consumed a nonce at or below a final block: proof, not the absence of a receipt, which
 * a lagging node shows too. Halves the range by the wallet's transaction count at past blocks (about 2·log2(n) calls).
 * Each answer is one that two endpoints agree on, where two are there; throws `CHAIN_UNAVAILABLE` while they differ. Null when the
 * nonce is not consumed there, or the block does not show the transaction.
 */
export async function findNonceConsumer(rpc: Rpc, wallet: string, nonce: number, finalBlock: number): Promise<NonceConsumer | null> {
  const consumedAt = async (block: number) => (await readTransactionCount(rpc, wallet, block)) > nonce;
  if (!(await consumedAt(finalBlock))) return null;
  let high = finalBlock;
  let step = 1;
  let low = Math.max(0, high - step);
  while (low > 0 && (await consumedAt(low))) {
    high = low;
    step *= 2;
    low = Math.max(0, low - step);
  }
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (await consumedAt(middle)) high = middle;
    else low = middle;
  }
  const consumerIn = (block: { transactions: RawTransaction[] }) => block.transactions.find((transaction) => sameAddress(transaction.from, wallet) && Number(transaction.nonce) === nonce);
  const block = await rpc.agree<{ transactions: RawTransaction[] } | null>('eth_getBlockByNumber', [hexQuantity(high), true], (shown) => shown && (consumerIn(shown)?.hash ?? 'none'));
  const consumer = block && consumerIn(block);
  return consumer ? { txHash: consumer.hash, blockNumber: high } : null;
}
