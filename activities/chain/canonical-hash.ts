import { readFinalHeader, type Hash } from './blocks.ts';
import type { Rpc } from './rpc.ts';

/**
 * The hash of the chain's block at a height, on the word of two endpoints where two are there; null when they do not have
 * it. Throws `CHAIN_UNAVAILABLE` while they differ: "cannot say", never a guess.
 */
export async function readCanonicalHash(rpc: Rpc, blockNumber: number): Promise<Hash | null> {
  return (await readFinalHeader(rpc, blockNumber))?.hash ?? null;
}
