import { EngineError } from '../../domain/errors.ts';
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

/** What all clients show of a header alike. */
function parse(raw: RawBlock): BlockHeader {
  return { number: Number(raw.number), hash: raw.hash, parentHash: raw.parentHash, timestampSeconds: Number(raw.timestamp) };
}

const numberOf = (block: unknown) => (block === null ? null : Number((block as Partial<RawBlock>).number));

/** A block's header by number or tag, as one endpoint has it; null when it does not. */
export async function readHeader(rpc: Rpc, block: number | 'latest' | 'finalized'): Promise<BlockHeader | null> {
  const raw = await rpc.call<RawBlock | null>('eth_getBlockByNumber', [typeof block === 'number' ? hexQuantity(block) : block, false]);
  return raw && parse(raw);
}

/**
 * The header at a final height, as two endpoints have it where two are there: what a payment is called final by. Null when
 * they do not have it. Throws `CHAIN_UNAVAILABLE` while they differ.
 */
export async function readFinalHeader(rpc: Rpc, number: number): Promise<BlockHeader | null> {
  const raw = await rpc.agree<RawBlock | null>('eth_getBlockByNumber', [hexQuantity(number), false], (block) => block && parse(block));
  return raw && parse(raw);
}

/**
 * The highest final block. Polygon marks it with the `finalized` tag, set by milestones; elsewhere a depth below the
 * head stands in. Null when the chain cannot say now: "not yet", never "not".
 *
 * It is a block that two endpoints have reached, where two are there: of two answers the lower. One endpoint that runs
 * ahead or lies makes nothing final, and what two call final both can be asked about. May be lower than an earlier
 * answer: finality is never taken back for that.
 */
export async function readFinalizedNumber(rpc: Rpc, settings: ChainSettings, headNumber: number): Promise<number | null> {
  if (settings.finality.mode === 'tag') return rpc.reached('eth_getBlockByNumber', ['finalized', false], numberOf);
  const head = rpc.compares ? await rpc.reached('eth_blockNumber', [], Number) : headNumber;
  return head === null ? null : Math.max(0, Math.min(head, headNumber) - settings.finality.depth);
}

/** The newest block that two endpoints have, where two are there: a balance at it can be asked of both. Throws `CHAIN_UNAVAILABLE` when too few say. */
export async function readCommonHead(rpc: Rpc): Promise<number> {
  const head = await rpc.reached('eth_blockNumber', [], Number);
  if (head === null) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_blockNumber', reason: 'only one of two endpoints answered' });
  return head;
}

/**
 * How many transactions the wallet has in the chain up to `block`: its next nonce there. At a number two endpoints must
 * agree, where two are there. At `latest` it is the count that two have reached: a nonce is passed over as used on no
 * single endpoint's word. Throws `CHAIN_UNAVAILABLE` while they differ, or only one of two answers.
 */
export async function readTransactionCount(rpc: Rpc, wallet: string, block: number | 'latest'): Promise<number> {
  if (typeof block === 'number') return Number(await rpc.agree<string>('eth_getTransactionCount', [wallet, hexQuantity(block)], Number));
  const count = await rpc.reached('eth_getTransactionCount', [wallet, block], Number);
  if (count === null) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getTransactionCount', reason: 'only one of two endpoints answered' });
  return count;
}
