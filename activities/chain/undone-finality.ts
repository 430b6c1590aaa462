import type { Queryable } from '../../db/client.ts';
import { listFinalTransactions, type FinalPage, type FinalTransaction } from '../../db/repositories/payments/final-transactions.ts';
import type { Hash } from './blocks.ts';
import { readCanonicalHash } from './canonical-hash.ts';
import type { Rpc } from './rpc.ts';

const NONCES_AT_ONCE = 100;
/** More nonces than a wallet may have in flight; a reorg that undid more payments than this is told in several goes. */
const NONCES_MAX = 2_000;

/**
 * The wallet's transactions whose final block is not the chain's block at that height any more, newest first. A block
 * commits to all before it, so where the newest is in the chain all older ones are: one RPC call while all is well. Where
 * the endpoints do not have the height, that transaction says nothing by itself; an older one that is undone settles it.
 * Reads only. Throws `CHAIN_UNAVAILABLE` while endpoints differ.
 */
export async function findUndoneTransactions(ports: { db: Queryable; rpc: Rpc }, chainId: number, wallet: string): Promise<FinalTransaction[]> {
  const canonical = new Map<number, Hash | null>();
  const walked: FinalTransaction[] = [];
  let undone = 0;
  let below: number | null = null;
  for (let seen = 0; seen < NONCES_MAX; seen += NONCES_AT_ONCE) {
    const page: FinalPage = await listFinalTransactions(ports.db, chainId, wallet, NONCES_AT_ONCE, below);
    for (const transaction of page.transactions) {
      const { blockNumber, blockHash } = transaction;
      const hash: Hash | null = canonical.get(blockNumber) ?? (await readCanonicalHash(ports.rpc, blockNumber));
      canonical.set(blockNumber, hash);
      if (hash === blockHash) return walked.slice(0, undone);
      walked.push(transaction);
      if (hash !== null) undone = walked.length;
    }
    below = page.nextBelow;
    if (below === null) break;
  }
  return walked.slice(0, undone);
}
