import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';

export interface ApiKeySecrets {
  /** the secret of a key: `aks_` and 43 characters of base64url. The same for the same id, for ever. */
  secretOf(keyId: string): string;
  /** seals what a key may do */
  sealKey: Uint8Array;
}

/**
 * Secrets of API keys. HMAC takes the very secret on both sides, so it is derived again from the key's id whenever it is
 * needed (HKDF, RFC 5869) and kept nowhere: who has only the database can sign nothing. Under another server key every
 * secret is another, and all keys made before are refused.
 * @param serverKey 32 bytes, of `SEAL_KEY`
 */
export function createApiKeySecrets(serverKey: Uint8Array): ApiKeySecrets {
  const derived = (label: string) => new Uint8Array(hkdfSync('sha256', serverKey, '', label, 32));
  const root = derived('api-key/1');
  return {
    secretOf: (keyId) => `aks_${createHmac('sha256', root).update(keyId, 'utf8').digest('base64url')}`,
    sealKey: derived('api-key-seal/1'),
  };
}

/** A new id of 128 random bits: `ak_` and 32 hex digits. */
export function makeKeyId(): string {
  return `ak_${randomBytes(16).toString('hex')}`;
}

/** What is stored of a secret. A fast hash suffices: there is nothing to guess in 256 bits. */
export function secretHashOf(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}
