import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * Short secrets as they are stored in MySQL: AES-256-GCM (NIST SP 800-38D: random 96-bit IV, 128-bit tag), bound to what they belong to,
 * so that one moved to another row opens nowhere. Base64 of IV, ciphertext and tag.
 */

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals a text. Called twice it gives two different texts, both of which open.
 * @param key 32 bytes
 * @param boundTo purpose and owner; the same must be said to open it
 */
export function sealText(key: Uint8Array, boundTo: string, text: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(boundTo, 'utf8'));
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
}

/** Opens a sealed text; null when the key or what it is bound to is another, or a byte was changed: GCM cannot tell which. */
export function openText(key: Uint8Array, boundTo: string, sealed: string): string | null {
  const bytes = Buffer.from(sealed, 'base64');
  if (bytes.length <= IV_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(boundTo, 'utf8'));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}
