import { sameAddress } from '../../domain/address.ts';
import { hexQuantity, type Hash } from './blocks.ts';
import type { Rpc } from './rpc.ts';

/** A mined transaction a wallet sent. */
export interface OwnTransaction {
  txHash: Hash;
  nonce: number;
  block: number;
  to: string | null;
  /** wei */
  value: bigint;
}

/** What of a node's answer is read for it. */
export interface RawOwnTransaction {
  hash: Hash;
  from: string;
  nonce: string;
  to: string | null;
  value: string;
}

/**
 * A wallet's transactions in one block, as two endpoints show them alike, where two are there: of others' transactions clients may say
 * what they like. Null when the block is not shown.
 */
export async function readOwnInBlock(rpc: Rpc, wallet: string, number: number): Promise<OwnTransaction[] | null> {
  const own = (block: { transactions: RawOwnTransaction[] }) => block.transactions.map((raw) => ownTransaction(raw, wallet, number)).filter((transaction) => transaction !== null);
  const block = await rpc.agree<{ transactions: RawOwnTransaction[] } | null>('eth_getBlockByNumber', [hexQuantity(number), true], (raw) => raw && own(raw));
  return block && own(block);
}

/** Null for somebody else's transaction. */
export function ownTransaction(raw: RawOwnTransaction, wallet: string, block: number): OwnTransaction | null {
  if (!sameAddress(raw.from, wallet)) return null;
  return { txHash: raw.hash, nonce: Number(raw.nonce), block, to: raw.to, value: BigInt(raw.value) };
}
