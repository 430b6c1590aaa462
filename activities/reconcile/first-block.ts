import { EngineError } from '../../domain/errors.ts';
import { readHeader } from '../chain/blocks.ts';
import type { Rpc } from '../chain/rpc.ts';

/**
 * The first block made at or after a moment, found by halving (about log2 of the chain's length in calls). Where a wallet
 * that was used elsewhere before has its past, and the engine its books.
 * @returns null when every block up to `lastBlock` is older
 */
export async function firstBlockSince(rpc: Rpc, moment: Date, lastBlock: number): Promise<number | null> {
  const momentSeconds = Math.floor(moment.getTime() / 1_000);
  const isOlder = async (block: number) => {
    const header = await readHeader(rpc, block);
    if (!header) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getBlockByNumber', reason: `no block ${block}` });
    return header.timestampSeconds < momentSeconds;
  };
  if (await isOlder(lastBlock)) return null;
  let [older, younger] = [-1, lastBlock];
  while (younger - older > 1) {
    const middle = older + Math.floor((younger - older) / 2);
    if (await isOlder(middle)) older = middle;
    else younger = middle;
  }
  return younger;
}
