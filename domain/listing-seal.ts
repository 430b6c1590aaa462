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
 * HMAC-SHA-256 over a link and the seals of the entries in force at its address, by their ids: neither an entry nor a whole
 * address can be left out, as in a zone that proves which names it does not have (NSEC, RFC 4034).
 */
export function sealDenylistLink(key: Uint8Array, { network, address, nextAddress }: DenylistLink, inForce: readonly { id: number; seal: string | null }[]): string {
  const entries = inForce.toSorted((left, right) => left.id - right.id).map(({ id, seal }) => `${id}=${seal ?? ''}`);
  return sealOf(key, ['denylist/1', network, address, nextAddress ?? 'end', ...entries]);
}

/** True when the seal is this very link's, with these entries and no others. */
export function denylistLinkHolds(key: Uint8Array, link: DenylistLink & { seal: string }, inForce: readonly { id: number; seal: string | null }[]): boolean {
  return sameSeal(sealDenylistLink(key, link, inForce), link.seal);
}

const text = (value: number | Date | null): string => (value === null ? 'none' : String(value instanceof Date ? value.getTime() : value));
