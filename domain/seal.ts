import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

/** The fields of a withdrawal that money follows. Changing any of them breaks the seal. */
export interface SealedFields {
  requestId: string;
  chainId: number;
  tokenAddress: string | null;
  toAddress: string;
  /** base units */
  amount: bigint;
}

/**
 * HMAC-SHA-256 (RFC 2104) over the request as accepted, hex. Made by the API, checked by the signing service, under a
 * key only the two hold: a row edited in the database redirects no money. Length-prefixed fields, so that no two
 * different requests serialise alike.
 */
export function sealRequest(key: Uint8Array, fields: SealedFields): string {
  const parts = ['withdrawal/1', fields.requestId, String(fields.chainId), fields.tokenAddress?.toLowerCase() ?? 'native', fields.toAddress.toLowerCase(), fields.amount.toString()];
  return bytesToHex(hmac(sha256, key, utf8ToBytes(parts.map((part) => `${part.length}:${part}`).join(''))));
}

/** True when `seal` is the seal of `fields`. Compares every byte whatever the first difference (constant time). */
export function sealHolds(key: Uint8Array, fields: SealedFields, seal: string): boolean {
  if (!/^[0-9a-f]{64}$/.test(seal)) return false;
  const expected = hexToBytes(sealRequest(key, fields));
  const given = hexToBytes(seal);
  return expected.reduce((difference, byte, index) => difference | (byte ^ (given[index] ?? 0)), 0) === 0;
}
