import { EngineError } from '../domain/errors.ts';
import { denylistLinkHolds, listingSealHolds } from '../domain/listing-seal.ts';
import type { PolicyFacts } from '../domain/policy.ts';
import type { Database } from '../db/client.ts';
import { findDenylistLink, listDenied } from '../db/repositories/denylist-links.ts';
import { listEntries, type ListedAddressRow } from '../db/repositories/listed-addresses.ts';
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
 * instant. Reads only, in one snapshot, three indexed queries however long the lists are. Throws `SEAL_BROKEN` (`row`: `listing` for an
 * entry that was written or changed by somebody else, `denylist` for one that was taken out).
 */
export async function readSealedListing(db: Database, sealKey: Uint8Array, recipient: Recipient, at: Date): Promise<SealedListing> {
  const { network, toAddress, ownerId } = recipient;
  return db.transaction(
    async (tx) => {
      const entries = await listEntries(tx, network, toAddress);
      const link = await findDenylistLink(tx, network, toAddress);
      const inForce = entries.filter(({ list, status }) => list === 'DENY' && (status === 'LIVE' || status === 'REMOVAL_PROPOSED'));
      const isOwnLink = link?.address === toAddress.toLowerCase();
      const linked = link === undefined || isOwnLink ? inForce : await listDenied(tx, network, link.address);
      const holds = link !== undefined && denylistLinkHolds(sealKey, link, linked) && (isOwnLink || (inForce.length === 0 && isBefore(toAddress, link.nextAddress)));
      if (!holds) throw new EngineError('SEAL_BROKEN', { row: 'denylist' });

      const concerning = entries.filter((entry) => entry.ownerId === null || entry.ownerId === ownerId).filter(({ status }) => status !== 'PROPOSED' && status !== 'REJECTED');
      if (!concerning.every((entry) => listingSealHolds(sealKey, entry))) throw new EngineError('SEAL_BROKEN', { row: 'listing' });
      return { isDenied: concerning.some((entry) => inForce.includes(entry)), destinationThen: destinationAt(concerning.filter(({ list }) => list === 'ALLOW'), at.getTime()) };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

const isBefore = (address: string, next: string | null): boolean => next === null || address.toLowerCase() < next;

function destinationAt(allowed: readonly ListedAddressRow[], atMs: number): SealedListing['destinationThen'] {
  const [earliest, latest] = [atMs - CLOCKS_APART_MS, atMs + CLOCKS_APART_MS];
  const spans = allowed.map(({ liveAt, status, removalDecidedAt }) => [liveAt?.getTime() ?? Number.POSITIVE_INFINITY, status === 'REMOVED' ? (removalDecidedAt?.getTime() ?? 0) : Number.POSITIVE_INFINITY] as const);
  if (spans.some(([from, until]) => from <= earliest && until >= latest)) return 'allowlisted';
  return spans.some(([from, until]) => from <= latest && until >= earliest) ? undefined : 'unlisted';
}
