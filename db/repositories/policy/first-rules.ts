import { eq } from 'drizzle-orm';
import type { Policy } from '../../../domain/policy.ts';
import type { Database } from '../../client.ts';
import { denylistLinks, listedAddresses, withdrawalRequests } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { openDenylist } from './denylist-links.ts';
import { ensureFirstPolicy } from './policies.ts';

/**
 * Gives a new installation the rules it begins with, sealed: the settings' policy as the first version, and an empty denylist. Called
 * again: nothing more happens; dies in the middle: the next call does what is left. Once a withdrawal was accepted it does nothing any
 * more: whoever deletes rules that people approved cannot have these in their place by a restart, and rows from before there were
 * seals are a person's to look at (`npm run seals`).
 */
export async function ensureFirstRules(db: Database, sealKey: Uint8Array, { policy, network }: { policy: Policy; network: string }): Promise<void> {
  const [accepted] = await db.select({ requestId: withdrawalRequests.requestId }).from(withdrawalRequests).limit(1);
  if (accepted) return;
  await ensureFirstPolicy(db, sealKey, policy);
  const [linked] = await db.select({ address: denylistLinks.address }).from(denylistLinks).where(eq(denylistLinks.network, network)).limit(1);
  const [listed] = await db.select({ id: listedAddresses.id }).from(listedAddresses).limit(1);
  if (linked || listed) return;
  await transact(db, (tx) => openDenylist(tx, sealKey, network));
}
