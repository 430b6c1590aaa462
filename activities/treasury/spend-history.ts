import { LRUCache } from 'lru-cache';
import type { Address } from '../../domain/address.ts';
import type { SpendWindow } from '../../domain/runway.ts';
import type { Database } from '../../db/client.ts';
import { sumSpent, type SumsByAsset } from '../../db/repositories/wallets/wallet-observations.ts';

/** Adding up a busy day takes seconds, a slice of it milliseconds: what is over is remembered. */
const SLICE_MS = 600_000;
const SLICES_MAX = 50_000;

export interface SpendHistory {
  /** What a wallet spent in the last `hours`, or up to a slice more: the window says how long it is. */
  look(wallet: { chainId: number; address: Address }, hours: number, now: number): Promise<{ ms: number; sums: SumsByAsset }>;
}

/** Spending by recent windows, in this process's memory: a worker that starts anew adds up anew. Decides nothing about money. */
export function createSpendHistory(db: Database): SpendHistory {
  const slices = new LRUCache<string, SumsByAsset>({ max: SLICES_MAX });

  async function slice({ chainId, address }: { chainId: number; address: Address }, start: number, now: number): Promise<SumsByAsset> {
    const key = `${chainId} ${address} ${start}`;
    const known = slices.get(key);
    if (known) return known;
    const sums = await sumSpent(db, chainId, address, { from: new Date(start), to: new Date(start + SLICE_MS) });
    // What was held then may have been paid since, for less gas: it is looked at again when it is twice as old.
    slices.set(key, sums, { ttl: now - start });
    return sums;
  }

  return {
    async look(wallet, hours, now) {
      const from = floor(now - hours * 3_600_000);
      const running = floor(now);
      const sums = new Map(await sumSpent(db, wallet.chainId, wallet.address, { from: new Date(running), to: null }));
      for (let start = from; start < running; start += SLICE_MS) for (const [asset, spent] of await slice(wallet, start, now)) sums.set(asset, (sums.get(asset) ?? 0n) + spent);
      return { ms: now - from, sums };
    },
  };
}

const floor = (timeMs: number): number => Math.floor(timeMs / SLICE_MS) * SLICE_MS;

/** The windows of one asset, as the rate is made from them. */
export function windowsOf(looks: readonly { ms: number; sums: SumsByAsset }[], asset: string): SpendWindow[] {
  return looks.map(({ ms, sums }) => ({ ms, spent: sums.get(asset) ?? 0n }));
}
