import { readHeader, type Hash } from './blocks.ts';
import type { Rpc } from './rpc.ts';

/**
 * The hash of the chain's block at a height, on the word of two endpoints where two are there; null when they do not have
 * it. Throws `CHAIN_UNAVAILABLE` while they differ: "cannot say", never a guess.
 */
export async function readCanonicalHash(rpc: Rpc, blockNumber: number): Promise<Hash | null> {
  const agreeing: Rpc = { chainId: rpc.chainId, call: (method, params) => rpc.agree(method, params), agree: (method, params) => rpc.agree(method, params) };
  return (await readHeader(agreeing, blockNumber))?.hash ?? null;
}
