import { EngineError } from '../domain/errors.ts';
import { deniedEntriesHold, denylistLinkHolds, listingSealHolds } from '../domain/listing-seal.ts';
import type { PolicyFacts } from '../domain/policy.ts';
import type { Database } from '../db/client.ts';
import { findDenylistLink, type DeniedEntry, type DenylistLinkRow } from '../db/repositories/policy/denylist-links.ts';
import { listEntries, type ListedAddressRow } from '../db/repositories/policy/listed-addresses.ts';
import { CLOCKS_APART_MS } from './signed-usage.ts';

export interface SealedListing {
  /** now: an entry that came into force after the decision counts as well */
  isDenied: boolean;
  /** at the instant asked for; undefined where the list was changed so near to it that two clocks may disagree */
  destinationThen: Exclude<PolicyFacts['destination'], 'denylisted'> | undefined;
}

interface Recipient {
  network: string;
  toAddress: string;
  ownerId: number;
}

/**
 * What the lists say of a recipient, as far as seals bear it out: whether it is denied now, and whether it was on the allowlist at an
 * instant. Reads only, in one snapshot, two indexed queries however long the lists are. Throws `SEAL_BROKEN` (`row`: `listing` for an
 * entry that was written or changed by somebody else, `denylist` for one that was taken out).
 */
export async function readSealedListing(db: Database, sealKey: Uint8Array, recipient: Recipient, at: Date): Promise<SealedListing> {
  const { network, toAddress, ownerId } = recipient;
  return db.transaction(
    async (tx) => {
      const entries = await listEntries(tx, network, toAddress);
      const link = await findDenylistLink(tx, network, toAddress);
      const inForce = entries.filter(({ list, status }) => list === 'DENY' && (status === 'LIVE' || status === 'REMOVAL_PROPOSED'));
      if (link === undefined || !denylistHolds(sealKey, link, toAddress.toLowerCase(), inForce)) throw new EngineError('SEAL_BROKEN', { row: 'denylist' });

      const everInForce = entries.filter(({ status }) => status !== 'PROPOSED' && status !== 'REJECTED');
      // Those for other clients as well: whose an entry is, is what somebody may have changed.
      const broken = everInForce.find((entry) => !listingSealHolds(sealKey, entry));
      if (broken) throw new EngineError('SEAL_BROKEN', { row: 'listing', listing: String(broken.id) });
      const concerning = everInForce.filter((entry) => entry.ownerId === null || entry.ownerId === ownerId);
      return { isDenied: concerning.some((entry) => inForce.includes(entry)), destinationThen: destinationAt(concerning.filter(({ list }) => list === 'ALLOW'), at.getTime()) };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

/** By the address's own link these entries are in force and no others; by its neighbour's none ever was. */
function denylistHolds(sealKey: Uint8Array, link: DenylistLinkRow, address: string, inForce: readonly DeniedEntry[]): boolean {
  if (!denylistLinkHolds(sealKey, link)) return false;
  if (link.address === address) return deniedEntriesHold(sealKey, link, inForce);
  return inForce.length === 0 && (link.nextAddress === null || address < link.nextAddress);
}

function destinationAt(allowed: readonly ListedAddressRow[], atMs: number): SealedListing['destinationThen'] {
  const [earliest, latest] = [atMs - CLOCKS_APART_MS, atMs + CLOCKS_APART_MS];
  const spans = allowed.map(({ liveAt, status, removalDecidedAt }) => [liveAt?.getTime() ?? Number.POSITIVE_INFINITY, status === 'REMOVED' ? (removalDecidedAt?.getTime() ?? 0) : Number.POSITIVE_INFINITY] as const);
  if (spans.some(([from, until]) => from <= earliest && until >= latest)) return 'allowlisted';
  return spans.some(([from, until]) => from <= latest && until >= earliest) ? undefined : 'unlisted';
}
