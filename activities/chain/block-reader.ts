import { EngineError } from '../../domain/errors.ts';
import type { BlockRing } from './block-ring.ts';
import type { Hash } from './blocks.ts';
import type { FollowerPorts } from './follower-ports.ts';
import { readBlock, type Block } from './read-block.ts';
import { readBlockReceipts, type Receipt } from './receipts.ts';
import type { WatchList } from './watch-list.ts';

const BLOCKS_PER_STEP = 500;
/** A gap is read back this many blocks at a time: a distant endpoint takes as long for ten as for one. */
const BLOCKS_AT_ONCE = 10;
/** Read again before a cursor whose block left the chain; deeper than any reorg Polygon has seen. */
const REREAD_BLOCKS = 256;

export interface BlockReader {
  /** Reads on to the head, a bounded number of blocks; goes back where blocks left the chain. */
  readTo(head: Block): Promise<void>;
  /** The receipts of what is watched in a block: all of them, of this very block, or an error. */
  receiptsIn(blockNumber: number, blockHash: Hash, transactions: readonly Hash[]): Promise<Receipt[]>;
}

/**
 * Reads each block of the chain once, with the hashes of its transactions; receipts are read for the blocks that hold one
 * of ours. `onFork` is told of the newest block that is still in the chain.
 */
export function createBlockReader(ports: Pick<FollowerPorts, 'rpc' | 'books' | 'readBackMax'>, ring: BlockRing, watches: WatchList, onFork: (kept: number) => void): BlockReader {
  const { rpc, books, readBackMax = 5_000 } = ports;

  /** Goes on where the last monitor stopped, or begins at the head. */
  async function resume(head: Block): Promise<void> {
    const cursor = (await books?.loadCursor()) ?? null;
    const gap = cursor ? head.number - cursor.blockNumber : Infinity;
    if (!cursor || gap < 0 || gap > readBackMax) return ring.push(head);
    const block = await existing(cursor.blockNumber);
    if (block.hash === cursor.blockHash) return ring.push(block);
    const below = Math.max(0, cursor.blockNumber - REREAD_BLOCKS);
    ring.cutAbove(below);
    onFork(below);
  }

  /** Forgets the blocks that left the chain: finds the newest one still in it, by halving. */
  async function rewind(from: number): Promise<void> {
    let kept = (ring.first() ?? from + 1) - 1;
    let gone = from + 1;
    while (gone - kept > 1) {
      const middle = kept + Math.floor((gone - kept) / 2);
      if ((await existing(middle)).hash === ring.hashAt(middle)) kept = middle;
      else gone = middle;
    }
    ring.cutAbove(kept);
    onFork(kept);
  }

  /** A node that lacks a block below the head says nothing of whether it left the chain. */
  async function existing(blockNumber: number): Promise<Block> {
    const block = await readBlock(rpc, blockNumber);
    if (!block) throw behind('eth_getBlockByNumber', blockNumber);
    return block;
  }

  async function receiptsIn(blockNumber: number, blockHash: Hash, transactions: readonly Hash[]): Promise<Receipt[]> {
    const ours = new Set(transactions.filter((hash) => watches.isWatched(hash)));
    if (ours.size === 0) return [];
    const receipts = await readBlockReceipts(rpc, blockNumber, (hash) => ours.has(hash));
    if (receipts.length !== ours.size || receipts.some((receipt) => receipt.blockHash !== blockHash)) throw behind('eth_getBlockReceipts', blockNumber);
    return receipts;
  }

  return {
    receiptsIn,
    async readTo(head) {
      if (ring.last() === null) await resume(head);
      const readBefore = ring.hashAt(head.number);
      if (readBefore !== undefined && readBefore !== head.hash) await rewind(head.number);
      const from = (ring.last() ?? head.number) + 1;
      const until = Math.min(head.number, from + BLOCKS_PER_STEP - 1);
      for (let number = from; number <= until; number += BLOCKS_AT_ONCE) {
        const numbers = Array.from({ length: Math.min(BLOCKS_AT_ONCE, until - number + 1) }, (_, index) => number + index);
        for (const block of await Promise.all(numbers.map(async (next) => (next === head.number ? head : readBlock(rpc, next))))) {
          if (!block) return;
          if (!ring.isNext(block)) return rewind(block.number - 1);
          for (const receipt of await receiptsIn(block.number, block.hash, block.transactions)) watches.mined(receipt);
          ring.push(block);
        }
      }
    },
  };
}

/** The node that was asked lags behind another, or is on another fork: ask again. */
export function behind(method: string, blockNumber: number): EngineError {
  return new EngineError('CHAIN_UNAVAILABLE', { method, reason: `block ${blockNumber} is not there, or not the same, at the node that was asked` });
}
