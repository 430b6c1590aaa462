import { createAwsSecretStore } from '../activities/custody/aws-secret-store.ts';
import { createSecretsManagerSigner } from '../activities/custody/secrets-manager-signer.ts';
import { watchKeyStore } from '../activities/custody/watch-key-store.ts';
import type { SigningActivities } from '../activities/index.ts';
import { makeSign } from '../activities/sign.ts';
import { makeSignFiller } from '../activities/sign-filler.ts';
import { clientOn, connectTo } from '../temporal-config/connection.ts';
import { listStartedSince } from '../temporal-config/withdrawal-executions.ts';
import { TASK_QUEUES } from '../temporal-config/task-queues.ts';
import { WORKER_TUNING } from '../temporal-config/worker-tuning.ts';
import { checkBooksAtStart } from './check-books-at-start.ts';
import { checkSealsAtStart } from './check-seals-at-start.ts';
import { keyFrom } from './config.ts';
import { runWorker } from './run-worker.ts';

/** The only process with key access. Reserves nonces, signs, commits the bytes; sends nothing. */
process.exitCode = await runWorker('signing-service', async ({ config, ports }) => {
  const connection = await connectTo(config.temporal);
  try {
    const client = clientOn(connection, config.temporal);
    await checkBooksAtStart(ports, (since, limit) => listStartedSince(client, since, limit), 'signing-service');
  } finally {
    await connection.close();
  }
  const sealKey = keyFrom(process.env, 'SEAL_KEY');
  await checkSealsAtStart(ports, sealKey);
  const custody = createSecretsManagerSigner({ secretStore: createAwsSecretStore(), keyEncryptionKey: keyFrom(process.env, 'KEY_ENCRYPTION_KEY') });
  const signer = watchKeyStore(custody, { db: ports.db, chainId: ports.rpc.chainId, log: ports.log });
  const activities: SigningActivities = { sign: makeSign({ ...ports, signer, sealKey }), signFiller: makeSignFiller({ ...ports, signer }) };
  return { worker: { taskQueue: TASK_QUEUES.signing, activities, ...WORKER_TUNING.signing } };
});
