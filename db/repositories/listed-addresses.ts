import { and, eq, inArray, isNull, or } from 'drizzle-orm';
import type { PolicyFacts } from '../../domain/policy.ts';
import type { Queryable } from '../client.ts';
import { listedAddresses } from '../schema/index.ts';

export type ListedAddressRow = typeof listedAddresses.$inferSelect;

export interface Listing {
  destination: PolicyFacts['destination'];
  /** since when it is on the allowlist; null when it is not */
  allowedSince: Date | null;
}

/** What the lists in force say of a recipient, for one owner. The denylist outweighs the allowlist. */
export async function readListing(queryable: Queryable, recipient: { network: string; toAddress: string; ownerId: number }): Promise<Listing> {
  const rows = await queryable
    .select()
    .from(listedAddresses)
    .where(
      and(
        eq(listedAddresses.address, recipient.toAddress as `0x${string}`),
        eq(listedAddresses.network, recipient.network),
        inArray(listedAddresses.status, ['LIVE', 'REMOVAL_PROPOSED']),
        or(isNull(listedAddresses.ownerId), eq(listedAddresses.ownerId, recipient.ownerId)),
      ),
    );
  const allowed = rows.filter(({ list }) => list === 'ALLOW').map(({ liveAt, proposedAt }) => (liveAt ?? proposedAt).getTime());
  const allowedSince = allowed.length === 0 ? null : new Date(Math.min(...allowed));
  if (rows.some(({ list }) => list === 'DENY')) return { destination: 'denylisted', allowedSince };
  return { destination: allowedSince === null ? 'unlisted' : 'allowlisted', allowedSince };
}
