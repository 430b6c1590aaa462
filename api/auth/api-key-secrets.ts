import { createHash, createHmac, randomBytes } from 'node:crypto';
import { deriveKey } from '../../db/derive-key.ts';

export interface ApiKeySecrets {
  /** the secret of a key: `aks_` and 43 characters of base64url. The same for the same id, for ever. */
  secretOf(keyId: string): string;
  /** seals what a key may do */
  sealKey: Uint8Array;
}

/**
 * Secrets of API keys. HMAC takes the very secret on both sides, so it is derived again from the key's id whenever it is
 * needed and kept nowhere: who has only the database can sign nothing. Under another server key every
 * secret is another, and all keys made before are refused.
 * @param serverKey 32 bytes, of `SEAL_KEY`
 */
export function createApiKeySecrets(serverKey: Uint8Array): ApiKeySecrets {
  const root = deriveKey(serverKey, 'api-key/1');
  return {
    secretOf: (keyId) => `aks_${createHmac('sha256', root).update(keyId, 'utf8').digest('base64url')}`,
    sealKey: deriveKey(serverKey, 'api-key-seal/1'),
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
