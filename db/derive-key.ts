import { hkdfSync } from 'node:crypto';

const KEY_BYTES = 32;

/**
 * A key of 32 bytes for one purpose, by HKDF-SHA-256 (RFC 5869): without a salt, as the key it comes from is uniformly random
 * already (3.1), and with the purpose as its info (3.2). The same for ever: what was sealed under it opens only as long as the purpose
 * is spelled as it was.
 */
export function deriveKey(from: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', from, new Uint8Array(0), purpose, KEY_BYTES));
}
