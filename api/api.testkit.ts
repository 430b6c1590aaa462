import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { readFileSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { Redis } from 'ioredis';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { inject } from 'vitest';
import type { CrashPoint } from '../db/crash-point.ts';
import { createLogger } from '../db/observability/logger.ts';
import { openDenylist } from '../db/repositories/policy/denylist-links.ts';
import { createUser } from '../db/repositories/accounts/users.ts';
import { addWallet } from '../db/repositories/wallets/wallets.ts';
import { assets, withdrawalRequests } from '../db/schema/index.ts';
import { transact } from '../db/transact.ts';
import { parseAddress } from '../domain/address.ts';
import { parseSettings, type Settings } from '../domain/settings.ts';
import { parseAmount } from '../domain/money.ts';
import type { Role } from '../domain/status.ts';
import { createTestDatabase, type TestDatabase } from '../tests/harness/database.ts';
import type { TestEngine } from '../tests/harness/engine.ts';
import { buildApp } from './app.ts';
import type { Books } from './books.ts';
import { HTTP_LIMITS, type HttpLimits } from './http-limits.ts';
import { createAccessTokens } from './auth/access-tokens.ts';
import { openSession } from './auth/open-session.ts';
import { hashPassword } from './auth/passwords.ts';
import { watchAnswers } from './documented.testkit.ts';
import { openTemporal } from './temporal.ts';
import { SEALED_PAYLOADS } from '../tests/harness/payloads.ts';
import { testRedisUrl } from '../tests/harness/redis.ts';

export const TOKEN = parseAddress('0x5fbdb2315678afecb367f032d93f642f64180aa3');
export const WALLET = parseAddress('0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266');
export const RECIPIENT = parseAddress('0x70997970c51812dc3a010c7d01b50e0d17dc79c8');
export const PASSWORD = 'correct horse battery staple';
export const BODY = { amount: '12.5', currency: 'USDC', toAddress: RECIPIENT, network: 'polygon-amoy' };

export interface TestAccount {
  id: number;
  email: string;
  /** an Authorization header */
  bearer: string;
}

export interface TestApi {
  app: FastifyInstance;
  database: TestDatabase;
  redis: Redis;
  temporal: Client;
  settings: Settings;
  signingJwk: JWK;
  sealKey: Buffer;
  webhookKey: Buffer;
  user: TestAccount;
  stranger: TestAccount;
  admin: TestAccount;
  /** a second ADMIN, for what takes two */
  approver: TestAccount;
  /** one more account */
  account(role: Role): Promise<TestAccount>;
  /** every log line so far */
  logText(): string;
  /** `POST /withdrawals` as `user`, unless told otherwise; a header set to null is left out */
  post(body: unknown, headers?: Record<string, string | null>): Promise<LightMyRequestResponse>;
  get(url: string, account?: TestAccount, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  countWithdrawals(): Promise<number>;
  /** Throws where a status was answered that the OpenAPI document does not list for that call. */
  close(): Promise<void>;
}

export interface TestApiOptions {
  temporalAddress?: string;
  redisUrl?: string;
  rateLimits?: Partial<Settings['rateLimits']>;
  /** of the settings */
  api?: Partial<Settings['api']>;
  httpLimits?: Partial<HttpLimits>;
  /** the sandbox's unless given */
  accounts?: Settings['accounts'];
  crashPoint?: CrashPoint;
  /** open unless given */
  books?: Books;
  /** the API of this engine, on its database, Redis, Temporal namespace and seal key; what that accepts is owned by `user` of its first API */
  engine?: TestEngine;
}

/** Books of which nothing is known against: most tests are about something else. */
export const OPEN_BOOKS: Books = { assertOpen: async () => undefined };

/** Tests count exactly, also on a machine that is busy. */
const TEST_COUNTERS_ANSWER_MS = 5_000;

let emails = 0;

/** The API on a real database, Redis and Temporal server, with a user, another user and two ADMINs. */
export async function startTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const infrastructure = inject('infrastructure');
  const { engine } = options;
  const database = engine?.database ?? (await createTestDatabase());
  const settings = testSettings(options, engine?.settings);
  if (!engine) await seed(database, settings);
  const isUsual = options.redisUrl === undefined;
  const redis = new Redis(options.redisUrl ?? testRedisUrl(), { lazyConnect: isUsual, enableOfflineQueue: isUsual, maxRetriesPerRequest: 1, commandTimeout: 500 });
  redis.on('error', () => undefined);
  // On a busy machine connecting takes longer than a command may.
  if (isUsual) await redis.connect();
  if (isUsual && !engine) await redis.flushdb();
  const temporal = openTemporal({ address: options.temporalAddress ?? infrastructure.temporalAddress, namespace: engine?.temporal.namespace ?? 'default', dataConverter: SEALED_PAYLOADS });
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const signingJwk = await exportJWK(privateKey);
  const { sealKey } = database;
  const webhookKey = engine?.ports.webhookKey ?? randomBytes(32);
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'));
      done();
    },
  });
  const logger = createLogger({ service: 'api-server', level: 'DEBUG' }, destination);
  const { app, undocumented } = await watchAnswers(() => buildApp({ database: database.db, redis, temporal: temporal.client, books: options.books ?? OPEN_BOOKS, settings, sealKey, webhookKey, signingJwk, logger, crashPoint: options.crashPoint ?? (() => undefined) }, { ...HTTP_LIMITS, countersAnswerMs: TEST_COUNTERS_ANSWER_MS, ...options.httpLimits }));
  const accessTokens = await createAccessTokens(signingJwk);
  const passwordHash = await hashPassword(PASSWORD);
  const account = async (role: Role): Promise<TestAccount> => {
    emails += 1;
    const email = `${role.toLowerCase()}-${emails}@example.com`;
    const id = await createUser(database.db, { email, passwordHash, role, now: new Date() });
    return { id, email, bearer: `Bearer ${(await openSession(database.db, accessTokens, { id, role })).accessToken}` };
  };
  const user = await account('USER');
  return {
    app, database, redis, temporal: temporal.client, settings, signingJwk, sealKey, webhookKey, user,
    stranger: await account('USER'),
    admin: await account('ADMIN'),
    approver: await account('ADMIN'),
    account,
    logText: () => lines.join(''),
    post: (body, headers = {}) => {
      const all = { authorization: user.bearer, 'idempotency-key': randomBytes(8).toString('hex'), 'content-type': 'application/json', ...headers };
      const given = Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null));
      return app.inject({ method: 'POST', url: '/withdrawals', headers: given, payload: typeof body === 'string' ? body : JSON.stringify(body) });
    },
    get: (url, by = user, headers = {}) => app.inject({ method: 'GET', url, headers: { authorization: by.bearer, ...headers } }),
    countWithdrawals: () => database.db.$count(withdrawalRequests),
    async close() {
      await app.close();
      await temporal.close();
      redis.disconnect();
      if (!engine) await database.close();
      if (undocumented.size > 0) throw new Error(`the OpenAPI document does not list what was answered: ${[...undocumented].toSorted().join(', ')}`);
    },
  };
}

function testSettings({ rateLimits, api, accounts }: TestApiOptions, ofEngine: Settings | undefined): Settings {
  const file = new URL('../docker/settings/sandbox.json', import.meta.url);
  const settings = ofEngine ?? parseSettings(readFileSync(file, 'utf8'), 'sandbox.json');
  const generous = { requestsPerSecond: 100_000, keyRequestsPerSecond: 100_000, signInPerMinute: 100_000, routes: {} };
  return { ...settings, api: { ...settings.api, ...api }, accounts: accounts ?? settings.accounts, rateLimits: { ...generous, ...rateLimits } };
}

async function seed(database: TestDatabase, settings: Settings): Promise<void> {
  const { network, chainId } = settings.chain;
  const asset = (currency: string, decimals: number, tokenAddress: typeof TOKEN | null, enabled: boolean) => ({
    network, chainId, currency, decimals, tokenAddress, enabled, minAmount: parseAmount('0.01', decimals), maxAmount: parseAmount('999.999999', decimals),
  });
  await database.db.insert(assets).values([asset('USDC', 6, TOKEN, true), asset('POL', 18, null, true), asset('OLD', 6, TOKEN, false)]);
  await addWallet(database.db, { chainId, address: WALLET, keyId: 'test' });
  await transact(database.db, (tx) => openDenylist(tx, database.sealKey, network));
}
