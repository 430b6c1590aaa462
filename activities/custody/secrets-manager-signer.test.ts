import { randomBytes } from 'node:crypto';
import type * as ethers from 'ethers';
import { afterAll, expect, it, vi } from 'vitest';
import { sealPrivateKey, serializeSealedKey } from './envelope.ts';
import { addressOfPrivateKey } from './private-key.ts';
import { createSecretsManagerSigner } from './secrets-manager-signer.ts';

// Unit files share their modules: what is mocked here must be neither loaded already nor kept for others.
vi.hoisted(() => vi.resetModules());
afterAll(() => vi.resetModules());

/** A library that signs something else than it was given: what the check after signing is there for. */
vi.mock('ethers', async (importOriginal) => {
  const real = await importOriginal<typeof ethers>();
  class WrongSigningKey extends real.SigningKey {
    override sign(_digest: ethers.BytesLike) {
      return super.sign(real.ZeroHash);
    }
  }
  return { ...real, SigningKey: WrongSigningKey };
});

const never = () => Promise.reject(new Error('not asked for'));

it('returns nothing where what was signed is not what was asked', async () => {
  const [privateKey, keyEncryptionKey] = [randomBytes(32), randomBytes(32)];
  const wallet = { keyId: 'key', chainId: 80002, address: addressOfPrivateKey(privateKey) };
  const value = serializeSealedKey(sealPrivateKey({ ...wallet, privateKey, keyEncryptionKey, version: 1 }));
  const secretStore = { get: () => Promise.resolve({ value, versionId: '1' }), create: never, replace: never, list: never };
  const signer = createSecretsManagerSigner({ secretStore, keyEncryptionKey });
  const transaction = { to: wallet.address, value: 1n, data: '0x', nonce: 0, gasLimit: 21_000n, maxFeePerGas: 2n, maxPriorityFeePerGas: 1n, chainId: 80002 } as const;
  await expect(signer.signTransaction({ ...wallet, transaction })).rejects.toMatchObject({
    code: 'INTERNAL',
    parameters: { reason: 'signed-transaction-differs', fields: 'sender' },
  });
});
