import { and, desc, eq, inArray, lt, lte } from 'drizzle-orm';
import { parseAddress } from '../../domain/address.ts';
import { EngineError } from '../../domain/errors.ts';
import { denylistLinkHolds, sealDenylistLink } from '../../domain/listing-seal.ts';
import type { Queryable, Transaction } from '../client.ts';
import { denylistLinks, listedAddresses } from '../schema/index.ts';

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
  if (address === FIRST) return [];
  return queryable
    .select({ id: listedAddresses.id, seal: listedAddresses.seal })
    .from(listedAddresses)
    .where(and(eq(listedAddresses.address, parseAddress(address)), eq(listedAddresses.network, network), inArray(listedAddresses.status, ['LIVE', 'REMOVAL_PROPOSED']), eq(listedAddresses.list, 'DENY')));
}

/** Writes the first link of a network's denylist. Only for a denylist that is empty; called twice: nothing more happens. */
export async function openDenylist(tx: Transaction, sealKey: Uint8Array, network: string): Promise<void> {
  const first = { network, address: FIRST, nextAddress: null };
  await tx.insert(denylistLinks).ignore().values({ ...first, seal: sealDenylistLink(sealKey, first, []) });
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
    if (!denylistLinkHolds(sealKey, link, before)) throw broken(network, address);
    return setLink(tx, sealKey, link, inForce);
  }
  const atNeighbour = await listDenied(tx, network, link.address);
  if (before.length > 0 || !denylistLinkHolds(sealKey, link, atNeighbour)) throw broken(network, address);
  const inserted = { network, address, nextAddress: link.nextAddress };
  await tx.insert(denylistLinks).values({ ...inserted, seal: sealDenylistLink(sealKey, inserted, inForce) });
  await setLink(tx, sealKey, { ...link, nextAddress: address }, atNeighbour);
}

async function lockExact(tx: Transaction, network: string, address: string): Promise<DenylistLinkRow | undefined> {
  const [link] = await tx.select().from(denylistLinks).where(and(eq(denylistLinks.network, network), eq(denylistLinks.address, address))).for('update');
  return link;
}

async function lockNeighbour(tx: Transaction, network: string, address: string): Promise<DenylistLinkRow | undefined> {
  const [link] = await tx.select().from(denylistLinks).where(and(eq(denylistLinks.network, network), lt(denylistLinks.address, address))).orderBy(desc(denylistLinks.address)).limit(1).for('update');
  return link;
}

async function setLink(tx: Transaction, sealKey: Uint8Array, link: Omit<DenylistLinkRow, 'seal'>, inForce: readonly DeniedEntry[]): Promise<void> {
  const { network, address, nextAddress } = link;
  await tx.update(denylistLinks).set({ nextAddress, seal: sealDenylistLink(sealKey, link, inForce) }).where(and(eq(denylistLinks.network, network), eq(denylistLinks.address, address)));
}

const broken = (network: string, address: string): EngineError => new EngineError('SEAL_BROKEN', { row: 'denylist', network, address });
