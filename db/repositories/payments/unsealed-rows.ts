import { and, asc, eq, inArray } from 'drizzle-orm';
import { canonicalJson } from '../../../domain/canonical-json.ts';
import { deniedEntriesHold, denylistLinkHolds, listingSealHolds, sealListing } from '../../../domain/listing-seal.ts';
import { policySealHolds, sealPolicy } from '../../../domain/policy-seal.ts';
import type { Database, Queryable, Transaction } from '../../client.ts';
import { denylistLinks, listedAddresses, policies } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { resolveAlert } from '../operations/alerts.ts';
import { sealedLink } from '../policy/denylist-links.ts';
import type { ListedAddressRow } from '../policy/listed-addresses.ts';
import type { PolicyRow } from '../policy/policies.ts';

/** Rules that no seal bears out: from before there were seals, sealed under another key, or written by somebody else. */
export interface UnsealedRows {
  policies: PolicyRow[];
  listings: ListedAddressRow[];
  /** the links between denied addresses have to be made anew */
  denylist: boolean;
}

/** What an alert about a version from before there were seals is about; closed when it is sealed. */
export const unsealedPolicySubject = (version: number): string => `policy ${version}`;

/** Finds them. Reads every version and every entry: for a person, not for each payment. */
export async function findUnsealedRows(queryable: Queryable, sealKey: Uint8Array, network: string): Promise<UnsealedRows> {
  const versions = await queryable.select().from(policies).orderBy(asc(policies.version));
  const entries = await queryable.select().from(listedAddresses).where(eq(listedAddresses.network, network)).orderBy(asc(listedAddresses.id));
  return {
    policies: versions.filter((row) => !policySealHolds(sealKey, row)),
    listings: entries.filter((row) => !listingSealHolds(sealKey, row)),
    denylist: !(await denylistHolds(queryable, sealKey, network, entries)),
  };
}

/** The rows as they are to be looked at, in one spelling: what somebody agrees to is this text and no other. */
export function describeUnsealed({ policies: versions, listings, denylist }: UnsealedRows): string[] {
  return [
    ...versions.map(({ version, status, proposedBy, decidedBy, decidedAt, document }) => `policy ${version} ${status}, proposed by ${proposedBy ?? 'the settings'}, decided by ${decidedBy ?? 'nobody'} at ${decidedAt?.toISOString() ?? 'no time'}: ${canonicalJson(document)}`),
    ...listings.map(({ id, list, address, ownerId, status, proposedBy, decidedBy, removalDecidedBy }) => `${list} ${id} ${address} for ${ownerId === null ? 'everyone' : `account ${ownerId}`} ${status}, proposed by ${proposedBy}, decided by ${decidedBy ?? 'nobody'}, removed by ${removalDecidedBy ?? 'nobody'}`),
    ...(denylist ? ['the links of the denylist'] : []),
  ];
}

/**
 * Seals what a person has looked at. Only if what stands there is still what `agreed` says of it: otherwise nothing happens. One
 * transaction; called again there is nothing left to seal.
 * @returns how many rows were sealed, or null where something else stands there by now
 */
export async function sealUnsealedRows(db: Database, sealKey: Uint8Array, network: string, agreed: (lines: readonly string[]) => boolean): Promise<number | null> {
  return transact(db, async (tx) => {
    // Held until it is sealed: nobody decides on one meanwhile.
    await tx.select({ version: policies.version }).from(policies).for('update');
    await tx.select({ id: listedAddresses.id }).from(listedAddresses).for('update');
    const found = await findUnsealedRows(tx, sealKey, network);
    if (!agreed(describeUnsealed(found))) return null;
    const versions = await tx.select().from(policies).orderBy(asc(policies.decidedAt));
    for (const row of found.policies) {
      const retiredAt = row.status === 'RETIRED' ? (row.retiredAt ?? replacedAt(row, versions)) : row.retiredAt;
      await tx.update(policies).set({ retiredAt, seal: sealPolicy(sealKey, { ...row, retiredAt }) }).where(eq(policies.version, row.version));
      await resolveAlert(tx, 'SEAL_BROKEN', unsealedPolicySubject(row.version));
    }
    for (const row of found.listings) await tx.update(listedAddresses).set({ seal: sealListing(sealKey, row) }).where(eq(listedAddresses.id, row.id));
    if (found.denylist || found.listings.some(({ list }) => list === 'DENY')) await linkAnew(tx, sealKey, network);
    return found.policies.length + found.listings.length;
  });
}

/** When the next version came into force: from before that was written down. */
function replacedAt({ decidedAt }: PolicyRow, versions: readonly PolicyRow[]): Date | null {
  const next = versions.find((other) => (other.status === 'LIVE' || other.status === 'RETIRED') && decidedAt !== null && other.decidedAt !== null && other.decidedAt > decidedAt);
  return next?.decidedAt ?? null;
}

const isDenied = ({ list, status }: Pick<ListedAddressRow, 'list' | 'status'>): boolean => list === 'DENY' && (status === 'LIVE' || status === 'REMOVAL_PROPOSED');
const atLink = (entries: readonly ListedAddressRow[], address: string): ListedAddressRow[] => entries.filter((entry) => isDenied(entry) && entry.address.toLowerCase() === address);

async function denylistHolds(queryable: Queryable, sealKey: Uint8Array, network: string, entries: readonly ListedAddressRow[]): Promise<boolean> {
  const links = await queryable.select().from(denylistLinks).where(eq(denylistLinks.network, network)).orderBy(asc(denylistLinks.address));
  const linked = new Set(links.map(({ address }) => address));
  const isChain = links[0]?.address === '' && links.every(({ nextAddress }, index) => nextAddress === (links[index + 1]?.address ?? null));
  return isChain && links.every((link) => denylistLinkHolds(sealKey, link) && deniedEntriesHold(sealKey, link, atLink(entries, link.address))) && entries.every((entry) => !isDenied(entry) || linked.has(entry.address.toLowerCase()));
}

async function linkAnew(tx: Transaction, sealKey: Uint8Array, network: string): Promise<void> {
  const entries = await tx.select().from(listedAddresses).where(and(eq(listedAddresses.network, network), eq(listedAddresses.list, 'DENY'), inArray(listedAddresses.status, ['LIVE', 'REMOVAL_PROPOSED'])));
  const addresses = ['', ...new Set(entries.map(({ address }) => address.toLowerCase()))].toSorted();
  await tx.delete(denylistLinks).where(eq(denylistLinks.network, network));
  for (const [index, address] of addresses.entries()) {
    const link = { network, address, nextAddress: addresses[index + 1] ?? null };
    await tx.insert(denylistLinks).values(sealedLink(sealKey, link, atLink(entries, address)));
  }
}
