import type { Hash } from './blocks.ts';
import type { Block } from './read-block.ts';

/** Hashes kept to find where a reorg forked; deeper than any reorg Polygon has seen (157 blocks, before milestones). */
const BLOCKS_MAX = 1_024;
/** Newest blocks whose transactions are kept as well. Hashes only: a receipt is read when somebody turns out to want it. */
const WITH_TRANSACTIONS_MAX = 256;

interface Remembered {
  hash: Hash;
  transactions: readonly Hash[];
}

/** The newest blocks a follower has read, without a hole: each is the parent of the next. */
export interface BlockRing {
  /** the block up to which the chain was read; null before the first */
  last(): number | null;
  /** the lowest remembered block; null when none is */
  first(): number | null;
  hashAt(blockNumber: number): Hash | undefined;
  /** the remembered block that holds a transaction */
  blockOf(txHash: Hash): number | undefined;
  /** false when the block is not the child of the last one read */
  isNext(block: Block): boolean;
  push(block: Block): void;
  /** forgets the blocks above, and reads on from there */
  cutAbove(blockNumber: number): void;
}

export function createBlockRing(): BlockRing {
  const blocks = new Map<number, Remembered>();
  const holders = new Map<Hash, number>();
  let last: number | null = null;
  let first: number | null = null;

  function forgetTransactions(blockNumber: number): void {
    const block = blocks.get(blockNumber);
    if (!block) return;
    // After a reorg another remembered block may hold the transaction.
    for (const hash of block.transactions) if (holders.get(hash) === blockNumber) holders.delete(hash);
    blocks.set(blockNumber, { hash: block.hash, transactions: [] });
  }

  return {
    last: () => last,
    first: () => first,
    hashAt: (blockNumber) => blocks.get(blockNumber)?.hash,
    blockOf: (txHash) => holders.get(txHash),
    isNext(block) {
      if (last === null) return true;
      const parent = blocks.get(last)?.hash;
      return block.number === last + 1 && (parent === undefined || parent === block.parentHash);
    },
    push(block) {
      blocks.set(block.number, { hash: block.hash, transactions: block.transactions });
      for (const hash of block.transactions) holders.set(hash, block.number);
      last = block.number;
      first ??= block.number;
      forgetTransactions(block.number - WITH_TRANSACTIONS_MAX);
      if (block.number - first < BLOCKS_MAX) return;
      blocks.delete(first);
      first += 1;
    },
    cutAbove(blockNumber) {
      for (let gone = last ?? blockNumber; gone > blockNumber && blocks.has(gone); gone -= 1) {
        forgetTransactions(gone);
        blocks.delete(gone);
      }
      last = blockNumber;
      if (blocks.size === 0) first = null;
    },
  };
}
