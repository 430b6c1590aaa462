import { parseSealedKey, type KeyIdentity } from './envelope.ts';
import { withPrivateKey } from './private-key.ts';
import type { SecretStore } from './secret-store.ts';

/**
 * Opens a wallet's stored key and checks that it is the key of the wallet's address. Changes nothing.
 *
 * @returns how often it was sealed, from 1
 * @throws SealedKeyError, SecretStoreError
 */
export async function checkKey(input: KeyIdentity & { readonly secretStore: SecretStore; readonly keyEncryptionKey: Buffer }): Promise<{ readonly version: number }> {
  const sealedKey = parseSealedKey((await input.secretStore.get(input.keyId)).value);
  return withPrivateKey({ sealedKey, keyEncryptionKey: input.keyEncryptionKey, expected: input }, () => ({ version: sealedKey.version }));
}
