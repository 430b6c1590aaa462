import type { Queryable } from '../../db/client.ts';
import { listFinalTransactions, type FinalTransaction } from '../../db/repositories/final-transactions.ts';
import type { Hash } from './blocks.ts';
import { readCanonicalHash } from './canonical-hash.ts';
import type { Rpc } from './rpc.ts';

const PAGE = 50;
/** A reorg that undid more of one wallet's payments than this is told in several goes. */
const UNDONE_MAX = 1_000;

/**
 * The wallet's transactions whose final block is not the chain's block at that height any more, newest first. A block
 * commits to all before it, so where the newest is in the chain all older ones are: one RPC call while all is well. Where
 * the endpoints do not have the height, or it is beyond the head, that transaction says nothing by itself; an older one that
 * is undone settles it. Reads only. Throws `CHAIN_UNAVAILABLE` while endpoints differ.
 */
export async function findUndoneTransactions(ports: { db: Queryable; rpc: Rpc }, chainId: number, wallet: string): Promise<FinalTransaction[]> {
  const canonical = new Map<number, Hash | null>();
  const walked: FinalTransaction[] = [];
  let undone = 0;
  while (walked.length < UNDONE_MAX) {
    const page = await listFinalTransactions(ports.db, chainId, wallet, PAGE, walked.at(-1)?.nonce);
    for (const transaction of page) {
      const { blockNumber, blockHash } = transaction;
      if (!canonical.has(blockNumber)) canonical.set(blockNumber, await readCanonicalHash(ports.rpc, blockNumber));
      const hash = canonical.get(blockNumber) ?? null;
      if (hash === blockHash) return walked.slice(0, undone);
      walked.push(transaction);
      if (hash !== null) undone = walked.length;
    }
    if (page.length < PAGE) break;
  }
  return walked.slice(0, undone);
}
