import type { ChainSettings } from '../../domain/settings.ts';
import type { Rpc } from './rpc.ts';

export type Hash = `0x${string}`;

export interface BlockHeader {
  number: number;
  hash: Hash;
  parentHash: Hash;
  timestampSeconds: number;
}

interface RawBlock {
  number: string;
  hash: Hash;
  parentHash: Hash;
  timestamp: string;
}

/** `0x` quantity of a block number. */
export function hexQuantity(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** A block's header by number or tag; null when the node does not have it. */
export async function readHeader(rpc: Rpc, block: number | 'latest' | 'finalized'): Promise<BlockHeader | null> {
  const raw = await rpc.call<RawBlock | null>('eth_getBlockByNumber', [typeof block === 'number' ? hexQuantity(block) : block, false]);
  if (!raw) return null;
  return { number: Number(raw.number), hash: raw.hash, parentHash: raw.parentHash, timestampSeconds: Number(raw.timestamp) };
}

/**
 * The highest final block. Polygon marks it with the `finalized` tag, set by milestones; elsewhere a depth below the
 * head stands in. Null when the chain cannot say now: "not yet", never "not".
 */
export async function readFinalizedNumber(rpc: Rpc, settings: ChainSettings, headNumber: number): Promise<number | null> {
  if (settings.finality.mode === 'depth') return Math.max(0, headNumber - settings.finality.depth);
  const header = await readHeader(rpc, 'finalized');
  return header?.number ?? null;
}

/** How many transactions the wallet has in the chain up to `block`: its next nonce there. */
export async function readTransactionCount(rpc: Rpc, wallet: string, block: number | 'latest'): Promise<number> {
  return Number(await rpc.call<string>('eth_getTransactionCount', [wallet, typeof block === 'number' ? hexQuantity(block) : block]));
}
