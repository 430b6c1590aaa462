import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * Webhook secrets as they are stored: AES-256-GCM (NIST SP 800-38D: random 96-bit IV, 128-bit tag) under a key that only the API and
 * the withdrawal worker are given, bound to their endpoint, so that one moved to another row opens nowhere.
 */

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const SECRET_BYTES = 32;
const SECRET = /^whsec_[A-Za-z0-9+/]{43}=$/;

/** A secret as its owner is shown it: `whsec_` and 32 random bytes in base64 (Standard Webhooks, "Signature scheme"). */
export function makeWebhookSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** Seals a secret for its endpoint. Called twice it gives two different texts, both of which open. */
export function sealWebhookSecret(key: Uint8Array, endpointId: number, secret: string): string {
  if (!SECRET.test(secret)) throw new Error('not a webhook secret');
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(additionalDataOf(endpointId));
  return Buffer.concat([iv, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
}

/** Opens a sealed secret; null when the key or the endpoint is another, or a byte was changed: GCM cannot tell which. */
export function openWebhookSecret(key: Uint8Array, endpointId: number, sealed: string): string | null {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.length <= IV_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(additionalDataOf(endpointId));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

function additionalDataOf(endpointId: number): Buffer {
  return Buffer.from(`webhook-secret/1|${endpointId}`, 'utf8');
}
