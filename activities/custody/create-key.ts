import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Address } from '../../domain/address.ts';
import { parseSealedKey, SealedKeyError, sealPrivateKey, serializeSealedKey } from './envelope.ts';
import { keyIdOf } from './key-id.ts';
import { addressOfPrivateKey, isPrivateKey, withPrivateKey } from './private-key.ts';
import { SecretExistsError, type SecretStore } from './secret-store.ts';

const PRIVATE_KEY_BYTES = 32;
const FIRST_VERSION = 1;

/** What the rest of the world knows of a key. */
export interface CreatedKey {
  readonly keyId: string;
  /** EIP-55. */
  readonly address: Address;
}

/**
 * Generates a private key (or takes the given one), seals it and stores it. The key itself is not returned, printed or
 * kept. A wallet's row in the database is the caller's to add.
 *
 * An existing secret is never overwritten. Called twice with the same key, the second call finds the first one's
 * secret, checks that it opens to this very key and returns the same. Without `privateKey` each call makes a new
 * wallet. If the process dies in the middle, either nothing is stored or a sealed key that `keys show-address` lists.
 *
 * @param input.privateKey 32 bytes; stays the caller's to zero
 * @throws SealedKeyError `MALFORMED` where the bytes are no private key of secp256k1; otherwise where a secret of that
 *   name exists and does not open to the same key
 * @throws SecretStoreError
 */
export async function createKey(input: {
  readonly secretStore: SecretStore;
  readonly keyEncryptionKey: Buffer;
  readonly chainId: number;
  readonly privateKey?: Buffer;
}): Promise<CreatedKey> {
  const privateKey = input.privateKey === undefined ? generatePrivateKey() : Buffer.from(input.privateKey);
  try {
    return await store({ ...input, privateKey });
  } finally {
    privateKey.fill(0);
  }
}

async function store(input: { secretStore: SecretStore; keyEncryptionKey: Buffer; chainId: number; privateKey: Buffer }): Promise<CreatedKey> {
  const { secretStore, keyEncryptionKey, chainId, privateKey } = input;
  if (!isPrivateKey(privateKey)) throw new SealedKeyError('MALFORMED', 'not a private key of secp256k1');
  const address = addressOfPrivateKey(privateKey);
  const identity = { keyId: keyIdOf(chainId, address), chainId, address };
  const sealedKey = sealPrivateKey({ ...identity, privateKey, keyEncryptionKey, version: FIRST_VERSION });
  try {
    await secretStore.create(identity.keyId, serializeSealedKey(sealedKey));
  } catch (error) {
    if (!(error instanceof SecretExistsError)) throw error;
  }
  // Read back in every case: what counts is what the store will give the signer.
  const stored = parseSealedKey((await secretStore.get(identity.keyId)).value);
  const same = withPrivateKey({ sealedKey: stored, keyEncryptionKey, expected: identity }, (opened) => timingSafeEqual(opened, privateKey));
  if (!same) throw new SealedKeyError('WRONG_KEY', 'the stored key is another one');
  return { keyId: identity.keyId, address };
}

/** From the system's CSPRNG. One draw in 2^128 is not a private key; it is drawn again. */
function generatePrivateKey(): Buffer {
  for (;;) {
    const bytes = randomBytes(PRIVATE_KEY_BYTES);
    if (isPrivateKey(bytes)) return bytes;
  }
}
