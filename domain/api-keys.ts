import type { Scope } from './scopes.ts';
import { sameSeal, sealOf } from './seal.ts';

/** Keys of one owner that may be alive at once: enough to rotate each of a few programs' keys without a gap. */
export const LIVE_API_KEYS_PER_OWNER_MAX = 20;

/** What a key may do and for whom. Changing any of it in the database breaks the seal. */
export interface SealedKeyFacts {
  keyId: string;
  ownerId: number;
  scopes: readonly Scope[];
  ipAllowlist: readonly string[] | null;
  expiresAt: Date | null;
}

/** HMAC-SHA-256 (RFC 2104) over a key's facts, hex, under a key only the API has. */
export function sealApiKey(key: Uint8Array, facts: SealedKeyFacts): string {
  const { keyId, ownerId, scopes, ipAllowlist, expiresAt } = facts;
  return sealOf(key, ['api-key/1', keyId, String(ownerId), scopes.join(' '), ipAllowlist?.join(' ') ?? 'anywhere', expiresAt?.toISOString() ?? 'never']);
}

/** True when `seal` is the seal of `facts`. */
export function apiKeySealHolds(key: Uint8Array, facts: SealedKeyFacts, seal: string): boolean {
  return sameSeal(sealApiKey(key, facts), seal);
}
