import { and, asc, eq } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { assets } from '../schema/index.ts';

export type Asset = typeof assets.$inferSelect;

/** What can be withdrawn on a network now, by currency. */
export async function listEnabledAssets(db: Queryable, network: string): Promise<Asset[]> {
  return db.select().from(assets).where(and(eq(assets.network, network), eq(assets.enabled, true))).orderBy(asc(assets.currency));
}

/** Everything a network's registry knows, enabled or not, by currency. */
export async function listAssets(db: Queryable, network: string): Promise<Asset[]> {
  return db.select().from(assets).where(eq(assets.network, network)).orderBy(asc(assets.currency));
}

/** An asset by its very name on a network, enabled or not. To the database alone a name with blanks behind it would be the same. */
export async function findAsset(db: Queryable, network: string, currency: string): Promise<Asset | undefined> {
  const [asset] = await db.select().from(assets).where(and(eq(assets.network, network), eq(assets.currency, currency))).limit(1);
  return asset?.currency === currency ? asset : undefined;
}
