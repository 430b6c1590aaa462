import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

/** The fields of a withdrawal that money follows, and those its policy is judged by. Changing any of them breaks the seal. */
export interface SealedFields {
  requestId: string;
  /** who asked for it, and so may never approve it */
  ownerId: number;
  chainId: number;
  currency: string;
  /** how the policy reads the amount */
  decimals: number;
  tokenAddress: string | null;
  toAddress: string;
  /** base units */
  amount: bigint;
}

/**
 * HMAC-SHA-256 (RFC 2104) over the request as accepted, hex. Made by the API, checked by the signing service, under a
 * key only the two hold: a row edited in the database redirects no money.
 */
export function sealRequest(key: Uint8Array, fields: SealedFields): string {
  return sealOf(key, ['withdrawal/2', ...partsOf(fields)]);
}

/** True when `seal` is the seal of `fields`. */
export function sealHolds(key: Uint8Array, fields: SealedFields, seal: string): boolean {
  return sameSeal(sealRequest(key, fields), seal);
}

/** The sealed fields as text, in their order. */
export function partsOf(fields: SealedFields): string[] {
  return [fields.requestId, String(fields.ownerId), String(fields.chainId), fields.currency, String(fields.decimals), fields.tokenAddress?.toLowerCase() ?? 'native', fields.toAddress.toLowerCase(), fields.amount.toString()];
}

/** HMAC-SHA-256 over length-prefixed parts, so that no two different lists serialise alike; the first part names what is sealed. */
export function sealOf(key: Uint8Array, parts: readonly string[]): string {
  return bytesToHex(hmac(sha256, key, utf8ToBytes(parts.map((part) => `${part.length}:${part}`).join(''))));
}

/** Compares every byte whatever the first difference (constant time). */
export function sameSeal(expected: string, given: string): boolean {
  if (!/^[0-9a-f]{64}$/.test(given)) return false;
  const bytes = hexToBytes(given);
  return hexToBytes(expected).reduce((difference, byte, index) => difference | (byte ^ (bytes[index] ?? 0)), 0) === 0;
}
