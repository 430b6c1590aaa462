import { and, desc, eq, inArray, lt, lte } from 'drizzle-orm';
import { parseAddress } from '../../../domain/address.ts';
import { EngineError } from '../../../domain/errors.ts';
import { deniedEntriesHold, denylistLinkHolds, sealDeniedEntries, sealDenylistLink, type DenylistLink } from '../../../domain/listing-seal.ts';
import type { Queryable, Transaction } from '../../client.ts';
import { denylistLinks, listedAddresses } from '../../schema/index.ts';

export type DenylistLinkRow = typeof denylistLinks.$inferSelect;
export type DeniedEntry = Pick<typeof listedAddresses.$inferSelect, 'id' | 'seal'>;

const FIRST = '';

/** The link that speaks for an address: its own, or that of its neighbour before it. Undefined where the network has none. */
export async function findDenylistLink(queryable: Queryable, network: string, address: string): Promise<DenylistLinkRow | undefined> {
  const [link] = await queryable
    .select()
    .from(denylistLinks)
    .where(and(eq(denylistLinks.network, network), lte(denylistLinks.address, address.toLowerCase())))
    .orderBy(desc(denylistLinks.address))
    .limit(1);
  return link;
}

/** The entries of the denylist that are in force at an address, whoever they are for. */
export async function listDenied(queryable: Queryable, network: string, address: string): Promise<DeniedEntry[]> {
  return queryable
    .select({ id: listedAddresses.id, seal: listedAddresses.seal })
    .from(listedAddresses)
    .where(and(eq(listedAddresses.address, parseAddress(address)), eq(listedAddresses.network, network), inArray(listedAddresses.status, ['LIVE', 'REMOVAL_PROPOSED']), eq(listedAddresses.list, 'DENY')));
}

/** Writes the first link of a network's denylist. Only for a denylist that is empty; called twice: nothing more happens. */
export async function openDenylist(tx: Transaction, sealKey: Uint8Array, network: string): Promise<void> {
  const first = { network, address: FIRST, nextAddress: null };
  await tx.insert(denylistLinks).ignore().values(sealedLink(sealKey, first, []));
}

/** Takes the denylist of a network for one change of it: no other comes between reading what is in force and sealing what then is. */
export async function lockDenylist(tx: Transaction, network: string): Promise<DenylistLinkRow | undefined> {
  return lockExact(tx, network, FIRST);
}

/**
 * Seals the denylist at one address anew, after an entry there came into force, left it or changed. Runs in that change's transaction,
 * which took `lockDenylist` before it read `before`. An address stays linked once it was denied. Throws `SEAL_BROKEN` where the links
 * it touches were not the API's: nothing is sealed on top of what somebody else wrote.
 *
 * @param before the entries in force at the address when the change began
 */
export async function relinkDenylist(tx: Transaction, sealKey: Uint8Array, place: { network: string; address: string }, before: readonly DeniedEntry[]): Promise<void> {
  const { network } = place;
  const address = place.address.toLowerCase();
  const link = (await lockExact(tx, network, address)) ?? (await lockNeighbour(tx, network, address));
  if (!link) throw broken(network, address);
  const inForce = await listDenied(tx, network, address);
  if (link.address === address) {
    if (!denylistLinkHolds(sealKey, link) || !deniedEntriesHold(sealKey, link, before)) throw broken(network, address);
    await tx.update(denylistLinks).set({ entriesSeal: sealDeniedEntries(sealKey, link, inForce) }).where(isLink(link));
    return;
  }
  const isBetween = link.nextAddress === null || address < link.nextAddress;
  if (before.length > 0 || !isBetween || !denylistLinkHolds(sealKey, link)) throw broken(network, address);
  await tx.insert(denylistLinks).values(sealedLink(sealKey, { network, address, nextAddress: link.nextAddress }, inForce));
  await tx.update(denylistLinks).set({ nextAddress: address, linkSeal: sealDenylistLink(sealKey, { ...link, nextAddress: address }) }).where(isLink(link));
}

/** A link with both its seals. */
export function sealedLink(sealKey: Uint8Array, link: DenylistLink, inForce: readonly DeniedEntry[]): DenylistLinkRow {
  return { ...link, linkSeal: sealDenylistLink(sealKey, link), entriesSeal: sealDeniedEntries(sealKey, link, inForce) };
}

const isLink = ({ network, address }: Pick<DenylistLink, 'network' | 'address'>) => and(eq(denylistLinks.network, network), eq(denylistLinks.address, address));

async function lockExact(tx: Transaction, network: string, address: string): Promise<DenylistLinkRow | undefined> {
  const [link] = await tx.select().from(denylistLinks).where(isLink({ network, address })).for('update');
  return link;
}

async function lockNeighbour(tx: Transaction, network: string, address: string): Promise<DenylistLinkRow | undefined> {
  const [link] = await tx.select().from(denylistLinks).where(and(eq(denylistLinks.network, network), lt(denylistLinks.address, address))).orderBy(desc(denylistLinks.address)).limit(1).for('update');
  return link;
}

const broken = (network: string, address: string): EngineError => new EngineError('SEAL_BROKEN', { row: 'denylist', network, address });
