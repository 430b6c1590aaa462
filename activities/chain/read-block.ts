import { hexQuantity, type BlockHeader, type Hash } from './blocks.ts';
import type { Rpc } from './rpc.ts';

export interface Block extends BlockHeader {
  /** in their order; a node that shows the block knows them, whatever it knows of receipts */
  transactions: readonly Hash[];
}

interface RawBlock {
  number: string;
  hash: Hash;
  parentHash: Hash;
  timestamp: string;
  transactions: Hash[];
}

/** A block with the hashes of its transactions; null when the node does not have it. */
export async function readBlock(rpc: Rpc, block: number | 'latest'): Promise<Block | null> {
  const raw = await rpc.call<RawBlock | null>('eth_getBlockByNumber', [typeof block === 'number' ? hexQuantity(block) : block, false]);
  if (!raw) return null;
  return { number: Number(raw.number), hash: raw.hash, parentHash: raw.parentHash, timestampSeconds: Number(raw.timestamp), transactions: raw.transactions };
}
