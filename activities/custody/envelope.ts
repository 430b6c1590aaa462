import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * Envelope encryption of a private key: the key is sealed under a data key made for it alone, the data key under the
 * key-encryption key. AES-256-GCM both times (NIST SP 800-38D: random 96-bit IV, 128-bit tag). Both layers bind
 * `keyId|chainId|address|version`, so that a blob moved to another wallet, chain or name opens nowhere.
 */

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** What Secrets Manager allows in a name, less than the width of `wallets.key_id`; holds no `|`. */
const KEY_ID = /^[A-Za-z0-9/_+=.@-]{1,255}$/;
const LOWER_CASE_ADDRESS = /^0x[0-9a-f]{40}$/;

/** One AES-GCM layer; lower-case hex. */
export interface SealedBox {
  readonly iv: string;
  readonly tag: string;
  readonly ciphertext: string;
}

/** A sealed private key, fit for JSON. Holds no secret without the key-encryption key. */
export interface SealedKey extends SealedBox {
  /** Counts re-seals of the same private key, from 1. */
  readonly version: number;
  readonly keyId: string;
  readonly chainId: number;
  /** Lower case. */
  readonly address: string;
  readonly wrappedDataKey: SealedBox;
}

/** What a sealed key belongs to. `address` in any case. */
export interface KeyIdentity {
  readonly keyId: string;
  readonly chainId: number;
  readonly address: string;
}

export type SealedKeyFailure =
  /** not a sealed key at all, or an argument of impossible shape */
  | 'MALFORMED'
  /** sealed for another key id, chain or address */
  | 'OTHER_IDENTITY'
  /** the key-encryption key does not fit, or a byte was changed: GCM cannot tell which */
  | 'NOT_AUTHENTIC'
  /** opened, but the key inside is not the key of this address */
  | 'WRONG_KEY';

/** A sealed key that cannot be made, opened or used. Carries neither key material nor the blob. */
export class SealedKeyError extends Error {
  override readonly name = 'SealedKeyError';
  readonly failure: SealedKeyFailure;

  constructor(failure: SealedKeyFailure, detail: string) {
    super(`${failure}: ${detail}`);
    this.failure = failure;
  }
}

/**
 * Seals a private key. Called twice it gives two different blobs (fresh data key and IVs), both of which open.
 *
 * @param input.privateKey 32 bytes; stays the caller's to zero
 * @param input.keyEncryptionKey 32 bytes; stays the caller's
 * @param input.version positive; one more than the blob it replaces
 * @throws SealedKeyError `MALFORMED`
 */
export function sealPrivateKey(
  input: KeyIdentity & { readonly privateKey: Buffer; readonly keyEncryptionKey: Buffer; readonly version: number },
): SealedKey {
  assertKeyBytes(input.privateKey, 'private key');
  assertKeyBytes(input.keyEncryptionKey, 'key-encryption key');
  const identity = { keyId: input.keyId, chainId: input.chainId, address: input.address.toLowerCase(), version: input.version };
  assertIdentity(identity);
  const additionalData = additionalDataOf(identity);
  const dataKey = randomBytes(KEY_BYTES);
  try {
    return {
      ...identity,
      ...seal(dataKey, input.privateKey, additionalData),
      wrappedDataKey: seal(input.keyEncryptionKey, dataKey, additionalData),
    };
  } finally {
    dataKey.fill(0);
  }
}

/**
 * Opens a sealed key for the identity the caller expects. Only for use inside `activities/custody`.
 *
 * @returns the private key, 32 bytes, the caller's to zero
 * @throws SealedKeyError; nothing of the key is in it, and half-opened buffers are zeroed
 */
export function openSealedKey(input: {
  readonly sealedKey: SealedKey;
  readonly keyEncryptionKey: Buffer;
  readonly expected: KeyIdentity;
}): Buffer {
  assertKeyBytes(input.keyEncryptionKey, 'key-encryption key');
  const { sealedKey, expected } = input;
  assertSealedKey(sealedKey);
  if (sealedKey.keyId !== expected.keyId || sealedKey.chainId !== expected.chainId || sealedKey.address !== expected.address.toLowerCase()) {
    throw new SealedKeyError('OTHER_IDENTITY', 'the sealed key belongs to another key id, chain or address');
  }
  const additionalData = additionalDataOf(sealedKey);
  const dataKey = open(input.keyEncryptionKey, sealedKey.wrappedDataKey, additionalData);
  try {
    return open(dataKey, sealedKey, additionalData);
  } finally {
    dataKey.fill(0);
  }
}

/** The blob as it is stored. */
export function serializeSealedKey(sealedKey: SealedKey): string {
  return JSON.stringify(sealedKey);
}

/**
 * Reads a stored blob and checks its shape; opens nothing.
 * @throws SealedKeyError `MALFORMED`, without a word of the text
 */
export function parseSealedKey(text: string): SealedKey {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, so it is not kept as the cause.
    throw new SealedKeyError('MALFORMED', 'not JSON');
  }
  assertSealedKey(value);
  return value;
}

function seal(key: Buffer, plaintext: Buffer, additionalData: Buffer): SealedBox {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(additionalData);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return { iv: iv.toString('hex'), tag: cipher.getAuthTag().toString('hex'), ciphertext: ciphertext.toString('hex') };
}

function open(key: Buffer, box: SealedBox, additionalData: Buffer): Buffer {
  const decipher = createDecipheriv(CIPHER, key, Buffer.from(box.iv, 'hex'), { authTagLength: TAG_BYTES });
  decipher.setAAD(additionalData);
  decipher.setAuthTag(Buffer.from(box.tag, 'hex'));
  // GCM gives all 32 bytes here, before they are authenticated.
  const plaintext = decipher.update(Buffer.from(box.ciphertext, 'hex'));
  try {
    decipher.final();
  } catch {
    // OpenSSL says nothing but "unable to authenticate": there is no cause to keep.
    plaintext.fill(0);
    throw new SealedKeyError('NOT_AUTHENTIC', 'wrong key-encryption key, or the sealed key was changed');
  }
  return plaintext;
}

function additionalDataOf(identity: KeyIdentity & { readonly version: number }): Buffer {
  return Buffer.from(`${identity.keyId}|${identity.chainId}|${identity.address}|${identity.version}`, 'utf8');
}

function assertKeyBytes(key: Buffer, what: string): void {
  if (!Buffer.isBuffer(key) || key.length !== KEY_BYTES) {
    throw new SealedKeyError('MALFORMED', `the ${what} is not ${KEY_BYTES} bytes`);
  }
}

function assertIdentity(identity: KeyIdentity & { readonly version: number }): void {
  if (typeof identity.keyId !== 'string' || !KEY_ID.test(identity.keyId)) throw new SealedKeyError('MALFORMED', 'key id');
  if (!isPositiveInteger(identity.chainId)) throw new SealedKeyError('MALFORMED', 'chain id');
  if (typeof identity.address !== 'string' || !LOWER_CASE_ADDRESS.test(identity.address)) throw new SealedKeyError('MALFORMED', 'address');
  if (!isPositiveInteger(identity.version)) throw new SealedKeyError('MALFORMED', 'version');
}

/** One spelling only of each field, so that no changed blob passes for the original. */
function assertSealedKey(value: unknown): asserts value is SealedKey {
  const sealedKey = value as SealedKey | null;
  if (typeof sealedKey !== 'object' || sealedKey === null) throw new SealedKeyError('MALFORMED', 'not an object');
  assertIdentity(sealedKey);
  assertBox(sealedKey, 'sealed key');
  assertBox(sealedKey.wrappedDataKey, 'wrapped data key');
}

function assertBox(box: SealedBox | null | undefined, what: string): void {
  if (typeof box !== 'object' || box === null) throw new SealedKeyError('MALFORMED', what);
  const sound = isHex(box.iv, IV_BYTES) && isHex(box.tag, TAG_BYTES) && isHex(box.ciphertext, KEY_BYTES);
  if (!sound) throw new SealedKeyError('MALFORMED', what);
}

const isHex = (text: unknown, bytes: number): boolean => typeof text === 'string' && text.length === bytes * 2 && /^[0-9a-f]+$/.test(text);

const isPositiveInteger = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;
