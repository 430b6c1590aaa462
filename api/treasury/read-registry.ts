import type { Database } from '../../db/client.ts';
import { listAssets, type Asset } from '../../db/repositories/assets.ts';

/** The assets of a network, those that are switched on first: of two that name one token the live one speaks for it. */
export async function readRegistry(database: Database, network: string): Promise<Asset[]> {
  return (await listAssets(database, network)).toSorted((left, right) => Number(right.enabled) - Number(left.enabled));
}
