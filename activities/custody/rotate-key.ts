import { timingSafeEqual } from 'node:crypto';
import { checkKey } from './check-key.ts';
import { parseSealedKey, SealedKeyError, sealPrivateKey, serializeSealedKey, type KeyIdentity, type SealedKey } from './envelope.ts';
import { withPrivateKey } from './private-key.ts';
import type { SecretStore } from './secret-store.ts';

export interface RotatedKey {
  /** `ALREADY_ROTATED`: the stored key opens under the new key-encryption key; nothing was changed. */
  readonly outcome: 'ROTATED' | 'ALREADY_ROTATED';
  readonly version: number;
}

/**
 * Seals a wallet's key again under a new key-encryption key, with the next version. The wallet and its private key
 * stay the same.
 *
 * The old blob opens before and stays the current one until the new one was read back from the store and opened to the
 * same key; afterwards the store keeps it as the previous version. Two at once: one wins, the other is refused. If the
 * process dies in the middle the old one is current, or the new one is and a second call says `ALREADY_ROTATED`.
 *
 * @throws SealedKeyError where the stored key opens under neither, or both keys are one; SecretStoreError
 */
export async function rotateKey(
  input: KeyIdentity & { readonly secretStore: SecretStore; readonly keyEncryptionKey: Buffer; readonly newKeyEncryptionKey: Buffer },
): Promise<RotatedKey> {
  const { secretStore, keyEncryptionKey, newKeyEncryptionKey, keyId } = input;
  if (keyEncryptionKey.equals(newKeyEncryptionKey)) throw new SealedKeyError('MALFORMED', 'the new key-encryption key is the old one');
  const expected = { keyId, chainId: input.chainId, address: input.address };
  const current = await secretStore.get(keyId);
  const sealedKey = parseSealedKey(current.value);
  if (opens(sealedKey, newKeyEncryptionKey, expected)) return { outcome: 'ALREADY_ROTATED', version: sealedKey.version };

  const version = sealedKey.version + 1;
  const resealed = withPrivateKey({ sealedKey, keyEncryptionKey, expected }, (privateKey) =>
    sealPrivateKey({ ...expected, privateKey, keyEncryptionKey: newKeyEncryptionKey, version }),
  );
  const verify = (stored: string): void => {
    const same = withPrivateKey({ sealedKey, keyEncryptionKey, expected }, (before) =>
      withPrivateKey({ sealedKey: parseSealedKey(stored), keyEncryptionKey: newKeyEncryptionKey, expected }, (after) => timingSafeEqual(before, after)),
    );
    if (!same) throw new SealedKeyError('WRONG_KEY', 'the new sealed key holds another key');
  };
  await secretStore.replace(keyId, serializeSealedKey(resealed), { previousVersionId: current.versionId, verify });
  await checkKey({ ...expected, secretStore, keyEncryptionKey: newKeyEncryptionKey });
  return { outcome: 'ROTATED', version };
}

function opens(sealedKey: SealedKey, keyEncryptionKey: Buffer, expected: KeyIdentity): boolean {
  try {
    return withPrivateKey({ sealedKey, keyEncryptionKey, expected }, () => true);
  } catch (error) {
    if (error instanceof SealedKeyError && error.failure === 'NOT_AUTHENTIC') return false;
    throw error;
  }
}
