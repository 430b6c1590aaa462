import { createAwsSecretStore } from '../../activities/custody/aws-secret-store.ts';
import { createKey } from '../../activities/custody/create-key.ts';
import { parseKey } from '../../db/parse-key.ts';
import type { Database } from '../../db/client.ts';
import { addWallet, listWallets } from '../../db/repositories/wallets/wallets.ts';

/**
 * Makes sure the chain has at least `count` hot wallets and returns the addresses of all it has, EIP-55. Killed between
 * the key and its row, it leaves a key without a wallet, which holds nothing, and makes another.
 */
export async function ensureWallets(db: Database, chainId: number, count: number): Promise<string[]> {
  const existing = await listWallets(db, chainId);
  const missing = count - existing.length;
  const addresses: string[] = existing.map(({ address }) => address);
  if (missing <= 0) return addresses;
  const keyEncryptionKey = parseKey(process.env['KEY_ENCRYPTION_KEY'] ?? '', 'KEY_ENCRYPTION_KEY');
  const secretStore = createAwsSecretStore();
  try {
    for (let index = 0; index < missing; index += 1) {
      const { address, keyId } = await createKey({ secretStore, keyEncryptionKey, chainId });
      await addWallet(db, { chainId, address, keyId });
      addresses.push(address);
    }
  } finally {
    secretStore.close();
    keyEncryptionKey.fill(0);
  }
  return addresses;
}
