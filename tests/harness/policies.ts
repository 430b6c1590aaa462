import { eq } from 'drizzle-orm';
import type { Database } from '../../db/client.ts';
import { approveListing, proposeListing, type NewListing } from '../../db/repositories/policy/listed-addresses.ts';
import { approvePolicy, proposePolicy } from '../../db/repositories/policy/policies.ts';
import { listedAddresses } from '../../db/schema/index.ts';
import { sealListing } from '../../domain/listing-seal.ts';
import { parsePolicy, type Policy, type Rule } from '../../domain/policy.ts';
import type { Settings } from '../../domain/settings.ts';

/** A rule that lets everything pass that came so far. */
export const REST: Rule = { id: 'rest', when: {}, action: { allow: true } };

/** For tests that are about something else. */
export const OPEN_POLICY: Policy = { rules: [{ id: 'everything-passes', when: {}, action: { allow: true } }] };

/** Settings under which a withdrawal of any size passes, to be stopped by something else. */
export function withoutLimits(settings: Settings): Settings {
  return { ...settings, policy: OPEN_POLICY, assets: settings.assets.map((asset) => ({ ...asset, maxAmount: '100000000' })) };
}

/** Accounts that exist for nothing else than to change policies. */
const PROPOSER = 2_000_000_001;
const APPROVER = 2_000_000_002;

/** Where rules are changed, and the key they are sealed under. */
export interface Sealing {
  db: Database;
  sealKey: Uint8Array;
}

/** Puts rules into force as two people do. @returns the version */
export async function putInForce({ db, sealKey }: Sealing, ...rules: Rule[]): Promise<number> {
  const proposed = await proposePolicy(db, sealKey, { document: parsePolicy({ rules }), reason: 'a test', proposedBy: PROPOSER });
  if (proposed.kind !== 'done') throw new Error(proposed.reason);
  const approved = await approvePolicy(db, sealKey, proposed.row.version, APPROVER);
  if (approved.kind !== 'done') throw new Error(approved.kind);
  return approved.row.version;
}

/** Has an entry in force since an earlier instant, as if it had been approved then. */
export async function backdateListing({ db, sealKey }: Sealing, id: number, liveAt: Date): Promise<void> {
  await db.update(listedAddresses).set({ liveAt }).where(eq(listedAddresses.id, id));
  const [row] = await db.select().from(listedAddresses).where(eq(listedAddresses.id, id));
  if (row) await db.update(listedAddresses).set({ seal: sealListing(sealKey, row) }).where(eq(listedAddresses.id, id));
}

/** Puts an address on a list as two people do. @returns its id */
export async function putOnList({ db, sealKey }: Sealing, entry: Pick<NewListing, 'list' | 'address'> & { ownerId?: number }): Promise<number> {
  const proposed = await proposeListing(db, sealKey, { network: 'polygon-amoy', label: null, reason: 'a test', proposedBy: PROPOSER, ...entry, ownerId: entry.ownerId ?? null });
  if (proposed.kind !== 'done') throw new Error(proposed.reason);
  await approveListing(db, sealKey, proposed.row.id, { approvedBy: APPROVER });
  return proposed.row.id;
}
