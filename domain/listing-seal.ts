import { sameSeal, sealOf } from './seal.ts';

/** An entry of the allowlist or the denylist: whom it is about, whether it is in force, and who stands behind it. */
export interface SealedListing {
  id: number;
  list: string;
  network: string;
  address: string;
  ownerId: number | null;
  status: string;
  proposedBy: number;
  proposedAt: Date;
  liveAt: Date | null;
  decidedBy: number | null;
  decidedAt: Date | null;
  removalProposedBy: number | null;
  removalProposedAt: Date | null;
  removalDecidedBy: number | null;
  removalDecidedAt: Date | null;
}

/** HMAC-SHA-256 over an entry, hex. Made anew at each change of it. */
export function sealListing(key: Uint8Array, entry: SealedListing): string {
  const { id, list, network, address, ownerId, status, proposedBy, proposedAt, liveAt, decidedBy, decidedAt, removalProposedBy, removalProposedAt, removalDecidedBy, removalDecidedAt } = entry;
  return sealOf(key, ['listing/1', String(id), list, network, address.toLowerCase(), status, ...[ownerId, proposedBy, proposedAt, liveAt, decidedBy, decidedAt, removalProposedBy, removalProposedAt, removalDecidedBy, removalDecidedAt].map(text)]);
}

/** True when the seal is this very entry's. */
export function listingSealHolds(key: Uint8Array, entry: SealedListing & { seal: string | null }): boolean {
  return entry.seal !== null && sameSeal(sealListing(key, entry), entry.seal);
}

/** One address of the denylist and its neighbour; addresses in lower case. */
export interface DenylistLink {
  network: string;
  /** empty in the first one */
  address: string;
  /** null in the last one */
  nextAddress: string | null;
}

/**
 * HMAC-SHA-256 over an address and the next one, hex: no address in between is denied, and none can be left out, as in a zone that
 * proves which names it does not have (NSEC, RFC 4034).
 */
export function sealDenylistLink(key: Uint8Array, { network, address, nextAddress }: DenylistLink): string {
  return sealOf(key, ['denylist-link/1', network, address, nextAddress ?? 'end']);
}

/** True when the API sealed this very link. */
export function denylistLinkHolds(key: Uint8Array, link: DenylistLink & { linkSeal: string }): boolean {
  return sameSeal(sealDenylistLink(key, link), link.linkSeal);
}

/** HMAC-SHA-256 over the seals of the entries in force at an address, by their ids, hex: none of them can be left out. */
export function sealDeniedEntries(key: Uint8Array, { network, address }: Pick<DenylistLink, 'network' | 'address'>, inForce: readonly { id: number; seal: string | null }[]): string {
  const entries = inForce.toSorted((left, right) => left.id - right.id).map(({ id, seal }) => `${id}=${seal ?? ''}`);
  return sealOf(key, ['denylist-entries/1', network, address, ...entries]);
}

/** True when these entries, and no others, were in force when the API last sealed the address. */
export function deniedEntriesHold(key: Uint8Array, link: Pick<DenylistLink, 'network' | 'address'> & { entriesSeal: string }, inForce: readonly { id: number; seal: string | null }[]): boolean {
  return sameSeal(sealDeniedEntries(key, link, inForce), link.entriesSeal);
}

const text = (value: number | Date | null): string => (value === null ? 'none' : String(value instanceof Date ? value.getTime() : value));
