import { randomBytes } from 'node:crypto';
import { startTcpProxy } from '../../tests/harness/tcp-proxy.ts';
import { createAwsSecretStore } from './aws-secret-store.ts';
import { createKey } from './create-key.ts';
import { startTestSecretsManager } from './moto.testkit.ts';
import { createSecretsManagerSigner } from './secrets-manager-signer.ts';
import { describeSigner } from './signer.testkit.ts';

const CHAIN_ID = 80_002;
/** Longer than a sealed key is remembered. */
const REMEMBERED_MS = 10 * 60_000;

describeSigner('keys sealed in Secrets Manager', async () => {
  const moto = await startTestSecretsManager();
  const proxy = await startTcpProxy(moto.port);
  const store = createAwsSecretStore({ ...moto.options, endpoint: `http://${proxy.address}` });
  const keyEncryptionKey = randomBytes(32);
  const privateKey = randomBytes(32);
  let aheadMs = 0;
  const wallet = await createKey({ secretStore: store, keyEncryptionKey, chainId: CHAIN_ID, privateKey });
  const other = await createKey({ secretStore: store, keyEncryptionKey, chainId: CHAIN_ID });
  return {
    signer: createSecretsManagerSigner({ secretStore: store, keyEncryptionKey, nowMs: () => performance.now() + aheadMs }),
    chainId: CHAIN_ID,
    wallet,
    other,
    unknownKeyId: `${wallet.keyId}0`,
    async takeAway() {
      aheadMs += REMEMBERED_MS;
      proxy.inject({ kind: 'cut' });
      return async () => proxy.inject({ kind: 'pass' });
    },
    secrets: [privateKey.toString('hex'), keyEncryptionKey.toString('hex'), keyEncryptionKey.toString('base64')],
    async stop() {
      store.close();
      await proxy.stop();
      await moto.stop();
    },
  };
});
