import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { Redis } from 'ioredis';
import { createFileCoverage, type CoverageMapData } from 'istanbul-lib-coverage';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { makeBroadcast } from '../../activities/broadcast.ts';
import { createRpc } from '../../activities/chain/rpc.ts';
import { makeConfirm } from '../../activities/confirm.ts';
import { createAwsSecretStore, type AwsSecretStoreOptions } from '../../activities/custody/aws-secret-store.ts';
import { createKey } from '../../activities/custody/create-key.ts';
import { createSecretsManagerSigner } from '../../activities/custody/secrets-manager-signer.ts';
import type { Signer } from '../../activities/custody/signer.ts';
import { watchKeyStore } from '../../activities/custody/watch-key-store.ts';
import { createNonceFront } from '../../activities/nonce-front.ts';
import { makeSendFiller } from '../../activities/send-filler.ts';
import { makeSign } from '../../activities/sign.ts';
import { makeSignFiller } from '../../activities/sign-filler.ts';
import type { ResolveHost } from '../../activities/webhooks/resolve-host.ts';
import { createLogger } from '../../db/observability/logger.ts';
import { openRedis } from '../../db/redis.ts';
import { ensureFirstRules } from '../../db/repositories/policy/first-rules.ts';
import { addWallet } from '../../db/repositories/wallets/wallets.ts';
import { getWithdrawal, type WithdrawalRow } from '../../db/repositories/withdrawals/withdrawals.ts';
import { makeRequestId, workflowIdOf } from '../../domain/request-id.ts';
import { sealRequest } from '../../domain/seal.ts';
import type { Settings } from '../../domain/settings.ts';
import { startOf } from '../../domain/withdrawal-start.ts';
import { withdrawalRequests, idempotencyKeys, outbox } from '../../db/schema/index.ts';
import { ensureAssets } from '../../scripts/sandbox/assets.ts';
import { loadSettings } from '../../scripts/sandbox/load-settings.ts';
import { ensureSearchAttributes } from '../../temporal-config/search-attributes.ts';
import { startWithdrawal } from '../../temporal-config/start-withdrawal.ts';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import type { DataConverter } from '@temporalio/common';
import { clientOn, connectTo, type TemporalSettings } from '../../temporal-config/connection.ts';
import { connectWorkerTo } from '../../temporal-config/native-connection.ts';
import { listStartedSince } from '../../temporal-config/withdrawal-executions.ts';
import { createChainFollower } from '../../workers/chain-follower.ts';
import { checkBooksAtStart } from '../../workers/check-books-at-start.ts';
import { dispatchNotifications, notificationWorker } from '../../workers/notifications.ts';
import type { Ports } from '../../workers/ports.ts';
import { startGuardians, withdrawalActivities } from '../../workers/withdrawal-activities.ts';
import { WORKFLOW_BUNDLE } from '../../workers/workflow-bundle.ts';
import { startTestChain, type TestChain } from './chain.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { startRpcProxy, type RpcProxy } from './rpc-proxy.ts';
import { PLAIN_PAYLOADS, SEALED_PAYLOADS } from './payloads.ts';
import { testRedisUrl } from './redis.ts';
import { createWorkflowCoverage, withCoverage } from './workflow-coverage.ts';

/** What activities are made of. */
export interface TestPorts extends Omit<Ports, 'close'> {
  signer: Signer;
  sealKey: Buffer;
  webhookKey: Buffer;
}

export interface TestEngine {
  ports: TestPorts;
  database: TestDatabase;
  redis: Redis;
  chain: TestChain;
  /** the engine reaches the chain through this; the test itself does not */
  proxy: RpcProxy;
  /** all endpoints; `proxy` is the first */
  proxies: readonly RpcProxy[];
  /** of the namespace the roles run in */
  readonly client: Client;
  readonly temporal: TemporalSettings;
  settings: Settings;
  wallets: string[];
  secretStore: ReturnType<typeof createAwsSecretStore>;
  sealKey: Buffer;
  /** accepts a withdrawal as the API does, and starts its workflow; with `started: false` as an API that died between the two, a while ago */
  accept(payment: { currency: string; toAddress: string; amount: bigint; tokenAddress?: string; started?: boolean; ownerId?: number }): Promise<string>;
  handle(requestId: string): WorkflowHandle;
  row(requestId: string): Promise<WithdrawalRow>;
  /** waits until the withdrawal has one of the statuses; fails after `timeoutMs` */
  until(requestId: string, statuses: readonly WithdrawalRow['status'][], timeoutMs?: number): Promise<WithdrawalRow>;
  searchAttributesOf(requestId: string): Promise<Record<string, unknown>>;
  /** makes a wallet's sealed key unavailable until restored */
  hideKey(keyId: string): Promise<{ restore(): Promise<void> }>;
  /** ends every role, as `npm stop` does; what they share stays */
  stopRoles(): Promise<void>;
  /** begins every role anew, in another namespace or with other payload keys if told; resolves to whether the signing service found the books behind */
  startRoles(namespace?: string, dataConverter?: DataConverter): Promise<boolean>;
  /** one more set of workers on the same database, Redis and chain; in a Temporal namespace of its own, or in the engine's */
  startFleet(namespace: 'own' | 'same', dataConverter?: DataConverter): Promise<Fleet>;
  stop(): Promise<void>;
}

/** A set of all workers. Stopped with its engine, unless it was stopped before. */
export interface Fleet {
  client: Client;
  stop(): Promise<void>;
}

export interface EngineOptions {
  wallets?: number;
  blockTimeSeconds?: number;
  settings?: (settings: Settings) => Settings;
  /** without workers the test runs activities by hand */
  workers?: boolean;
  /** every wallet has its guardian from the start, and the sweeper keeps it running */
  guardians?: boolean;
  /** notifications are sent as well, names looked up by `resolveHost` where given */
  webhooks?: { resolveHost?: ResolveHost };
  /** the engine reaches Redis here instead, as a worker does; the test itself does not */
  redisUrl?: string;
  /** the signer reaches the secret store so, and reads this clock; the test itself does not */
  custody?: { secretStore: AwsSecretStoreOptions; nowMs: () => number };
  /** as before there were payload keys; sealed by default. Histories that are kept must not need a key */
  plainPayloads?: boolean;
  /** endpoints the engine knows, each a proxy of its own in front of the one node */
  endpoints?: number;
}

const POLL_MS = 100;
/** older than the sweeper's grace */
const LEFT_BEHIND_MS = 60_000;

/** Every role of the engine in this very process, on a real database, Redis, Temporal, secret store and chain. */
export async function startEngine(options: EngineOptions = {}): Promise<TestEngine> {
  const infrastructure = inject('infrastructure');
  process.env['AWS_REGION'] = 'us-east-1';
  process.env['AWS_ENDPOINT_URL'] = infrastructure.awsEndpointUrl;
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  const redis = new Redis(testRedisUrl(), { lazyConnect: true, maxRetriesPerRequest: 1, commandTimeout: 1_000 });
  // Connected first, and emptied before anything else is started: on a busy machine either takes longer than a command may.
  await redis.connect();
  await redis.flushdb();
  const [database, chain, firstNamespace] = await Promise.all([createTestDatabase(), startTestChain(options.blockTimeSeconds ?? 1), createNamespace(infrastructure.temporalAddress)]);
  const proxies = await Promise.all(Array.from({ length: options.endpoints ?? 1 }, () => startRpcProxy(chain.url)));
  const [proxy] = proxies as [RpcProxy, ...RpcProxy[]];

  const fromFile = loadSettings(fileURLToPath(new URL('../../docker/settings/sandbox.json', import.meta.url)));
  const faster: Settings = { ...fromFile, chain: { ...fromFile.chain, blockTimeMs: 1_000 * (options.blockTimeSeconds ?? 1) } };
  const settings = options.settings ? options.settings(faster) : faster;
  await ensureAssets(database.db, settings, chain.tokens);
  const { sealKey } = database;
  await ensureFirstRules(database.db, sealKey, { policy: settings.policy, network: settings.chain.network });

  const webhookKey = randomBytes(32);
  const keyEncryptionKey = randomBytes(32);
  const secretStore = createAwsSecretStore();
  const wallets: string[] = [];
  for (let index = 0; index < (options.wallets ?? 1); index += 1) {
    const { keyId, address } = await createKey({ secretStore, keyEncryptionKey, chainId: chain.chainId });
    await addWallet(database.db, { chainId: chain.chainId, address, keyId });
    wallets.push(address);
  }
  await chain.fund(wallets);

  let namespace = firstNamespace;
  let place = { address: infrastructure.temporalAddress, dataConverter: options.plainPayloads ? PLAIN_PAYLOADS : SEALED_PAYLOADS };
  const connection = await connectTo({ ...place, namespace });
  let client = clientOn(connection, { ...place, namespace });
  const log = createLogger({ service: 'test-engine', level: process.env['TEST_LOG_LEVEL'] === 'DEBUG' ? 'DEBUG' : 'ERROR' });
  const rpc = createRpc({ urls: proxies.map(({ url }) => url), chainId: chain.chainId, timeoutMs: 2_000, checkEveryMs: 2 * settings.chain.blockTimeMs });
  const engineRedis = options.redisUrl === undefined ? redis : openRedis(options.redisUrl, log);
  const nonceFront = createNonceFront(engineRedis, (error) => log.warn({ error }, 'nonce front'));
  const signerStore = options.custody ? createAwsSecretStore(options.custody.secretStore) : secretStore;
  const signer = watchKeyStore(createSecretsManagerSigner({ secretStore: signerStore, keyEncryptionKey, ...(options.custody && { nowMs: options.custody.nowMs }) }), { db: database.db, chainId: chain.chainId, log });
  const ports: TestPorts = { db: database.db, redis: engineRedis, rpc, nonceFront, settings, crashPoint: () => undefined, log, signer, sealKey, webhookKey };
  const fleets: Fleet[] = [];
  if (options.workers !== false) await startFleet(client);

  async function startFleet(fleetClient: Client, { dataConverter } = place): Promise<Fleet> {
    const stopping = new AbortController();
    const native = await connectWorkerTo({ ...place, namespace: fleetClient.options.namespace }, stopping.signal);
    const follower = createChainFollower(ports);
    const following = follower.run(stopping.signal);
    const workflows = { workflowBundle: await (bundled ??= bundledWorkflows()), ...(isCoverageMeasured() && { sinks: workflowCoverage.sinks }) };
    const started = await Promise.all(
      [
        { ...workflows, taskQueue: TASK_QUEUES.withdrawals, activities: { ...withdrawalActivities(ports, fleetClient, { guardians: options.guardians === true }) } },
        ...(options.webhooks ? [{ ...workflows, ...notificationWorker({ ...ports, ...options.webhooks }) }] : []),
        { taskQueue: TASK_QUEUES.signing, activities: { sign: makeSign(ports), signFiller: makeSignFiller(ports) } },
        { taskQueue: TASK_QUEUES.broadcast, activities: { broadcast: makeBroadcast(ports), sendFiller: makeSendFiller(ports) } },
        { taskQueue: TASK_QUEUES.monitor, activities: { confirm: makeConfirm({ ...ports, follower }) } },
      ].map((worker) => Worker.create({ ...worker, connection: native, namespace: fleetClient.options.namespace, dataConverter, shutdownGraceTime: 1_000, shutdownForceTime: 10_000 })),
    );
    const running = started.map((worker) => worker.run());
    const dispatching = options.webhooks && dispatchNotifications(ports, fleetClient, stopping.signal);
    if (options.guardians) await startGuardians(ports, fleetClient);
    let stopped = false;
    const fleet: Fleet = {
      client: fleetClient,
      async stop() {
        if (stopped) return;
        stopped = true;
        for (const worker of started) worker.shutdown();
        await Promise.allSettled(running);
        stopping.abort();
        await following;
        await dispatching;
        await native.close();
        if (isCoverageMeasured()) mergeWorkflowCoverage();
      },
    };
    fleets.push(fleet);
    return fleet;
  }

  const engine: TestEngine = {
    ports,
    database,
    redis,
    chain,
    proxy,
    proxies,
    get client() {
      return client;
    },
    get temporal() {
      return { ...place, namespace };
    },
    settings,
    wallets,
    secretStore,
    sealKey,
    async accept({ currency, toAddress, amount, tokenAddress, started = true, ownerId = 1 }) {
      const requestId = makeRequestId(Date.now(), randomBytes(10));
      const asset = await database.db.query.assets.findFirst({ where: (assets, { eq }) => eq(assets.currency, currency) });
      if (!asset) throw new Error(`no asset ${currency}`);
      const token = (tokenAddress ?? asset.tokenAddress) as `0x${string}` | null;
      const now = new Date();
      const sealed = { requestId, ownerId, chainId: chain.chainId, currency, decimals: asset.decimals, tokenAddress: token, toAddress: toAddress as `0x${string}`, amount };
      const keyHash = randomBytes(32).toString('hex');
      const seal = sealRequest(sealKey, sealed);
      await database.db.insert(idempotencyKeys).values({ ownerId, keyHash, bodyHash: keyHash, requestId, createdAt: now });
      await database.db.insert(withdrawalRequests).values({ ...sealed, correlationId: requestId, network: asset.network, status: 'PENDING', seal, createdAt: now, updatedAt: now });
      await database.db.insert(outbox).values({ requestId, createdAt: started ? now : new Date(now.getTime() - LEFT_BEHIND_MS), dispatchedAt: started ? now : null });
      if (started) await startWithdrawal(client, startOf({ ...sealed, correlationId: requestId, network: asset.network, seal, createdAt: now, keyHash, bodyHash: keyHash }));
      return requestId;
    },
    handle: (requestId) => client.workflow.getHandle(workflowIdOf(requestId)),
    row: (requestId) => getWithdrawal(database.db, requestId),
    async until(requestId, statuses, timeoutMs = 60_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const row = await getWithdrawal(database.db, requestId);
        if (statuses.includes(row.status)) return row;
        if (Date.now() > deadline) throw new Error(`${requestId} is ${row.status} (${row.errorCode ?? 'no error'}: ${row.errorMessage ?? ''}), not ${statuses.join(' or ')}, after ${timeoutMs} ms`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    async searchAttributesOf(requestId) {
      const { typedSearchAttributes } = await engine.handle(requestId).describe();
      return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
    },
    async hideKey(keyId) {
      const { value, versionId } = await secretStore.get(keyId);
      const unchecked = () => undefined;
      await secretStore.replace(keyId, '{}', { previousVersionId: versionId, verify: unchecked });
      return {
        async restore() {
          const hidden = await secretStore.get(keyId);
          await secretStore.replace(keyId, value, { previousVersionId: hidden.versionId, verify: unchecked });
        },
      };
    },
    startFleet: async (where, dataConverter = place.dataConverter) =>
      startFleet(clientOn(connection, { dataConverter, namespace: where === 'same' ? namespace : await createNamespace(infrastructure.temporalAddress) }), { ...place, dataConverter }),
    async stopRoles() {
      for (const fleet of fleets.splice(0)) await fleet.stop();
    },
    async startRoles(other = namespace, dataConverter = place.dataConverter) {
      namespace = other;
      place = { ...place, dataConverter };
      client = clientOn(connection, { ...place, namespace });
      const isBehind = await checkBooksAtStart(ports, (since, limit) => listStartedSince(client, since, limit), 'test-engine');
      await startFleet(client);
      return isBehind;
    },
    async stop() {
      for (const fleet of fleets) await fleet.stop();
      await deleteSchedules(client);
      secretStore.close();
      if (signerStore !== secretStore) signerStore.close();
      await connection.close();
      await Promise.all(proxies.map(({ stop }) => stop()));
      await chain.stop();
      redis.disconnect();
      engineRedis.disconnect();
      await database.close();
    },
  };
  return engine;
}

let bundled: Promise<WorkflowBundleOption> | null = null;

/** Made once for all engines of a run: it takes seconds of a processor. Two test files that begin together may both make it. */
async function bundledWorkflows(): Promise<WorkflowBundleOption> {
  const codePath = join(inject('sharedDir'), 'workflows.js');
  if (!existsSync(codePath)) {
    const plain = { ...WORKFLOW_BUNDLE, logger: new DefaultLogger('ERROR') };
    const { code } = await bundleWorkflowCode(isCoverageMeasured() ? withCoverage(plain) : plain);
    const own = `${codePath}.${randomUUID()}`;
    writeFileSync(own, code);
    renameSync(own, codePath);
  }
  return { codePath };
}

const coverageStore = globalThis as { __VITEST_COVERAGE__?: CoverageMapData };
const workflowCoverage = createWorkflowCoverage();
const isCoverageMeasured = (): boolean => coverageStore.__VITEST_COVERAGE__ !== undefined;

/** Adds what workflows ran inside of Temporal's sandbox to the coverage of this test file. */
function mergeWorkflowCoverage(): void {
  const store = (coverageStore.__VITEST_COVERAGE__ ??= {});
  for (const counted of Object.values(workflowCoverage.take())) {
    // Under a name of its own: what this process loaded of the same file is counted on by its own numbers.
    const name = `${counted.path} in a workflow`;
    const total = createFileCoverage(store[name] ?? counted);
    if (store[name]) total.merge(createFileCoverage(counted));
    store[name] = total.data;
  }
}

/** A schedule goes on without any worker: the server would work for it as long as other files run. */
async function deleteSchedules({ schedule }: Client): Promise<void> {
  for await (const { scheduleId } of schedule.list()) await schedule.getHandle(scheduleId).delete();
}

async function createNamespace(address: string): Promise<string> {
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const connection = await connectTo({ address, namespace });
  await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: { seconds: 86_400 as never } });
  await connection.close();
  for (let attempt = 0; ; attempt += 1) {
    try {
      await ensureSearchAttributes({ address, namespace });
      return namespace;
    } catch (error) {
      // A new namespace takes a moment to be known to every part of the server.
      if (attempt >= 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
