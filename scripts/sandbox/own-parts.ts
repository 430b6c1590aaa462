import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { createEndpoint } from '../../activities/chain/rpc/endpoint.ts';
import { commaList } from '../../domain/comma-list.ts';
import { connectTo, temporalPlaceFrom } from '../../temporal-config/connection.ts';
import { deepestLine, oneLine, UserError } from '../command-line/user-error.ts';
import type { SandboxConfig } from './config.ts';

const ANSWER_TIMEOUT_MS = 5_000;

type OwnParts = Pick<SandboxConfig, 'env' | 'chainId' | 'temporalNamespace'>;

/** By the variable that names a part. */
const CHECKS: Readonly<Record<string, (value: string, config: OwnParts) => Promise<void>>> = {
  DATABASE_URL: checkDatabase,
  REDIS_URL: checkRedis,
  TEMPORAL_ADDRESS: checkTemporal,
  POLYGON_RPC_URL: checkChain,
  AWS_ENDPOINT_URL: checkSecretStore,
};

/**
 * Asks each part that is the starter's own whether it can be used, before anything is installed or started. Changes nothing there.
 * @throws UserError with a line for each part that cannot, naming its variable; never a password or the key in a node's address
 */
export async function checkOwnParts(config: OwnParts): Promise<void> {
  const complaints = await Promise.all(
    Object.entries(CHECKS).map(async ([variable, check]) => {
      const value = config.env[variable];
      if (!value) return [];
      return await check(value, config).then(() => [], (error: unknown) => [`${variable} cannot be used: ${oneLine(error)}`]);
    }),
  );
  if (complaints.flat().length > 0) throw new UserError(complaints.flat().join('\n'));
}

/** Whether any part is the starter's own. */
export function hasOwnParts({ env }: Pick<OwnParts, 'env'>): boolean {
  return Object.keys(CHECKS).some((variable) => env[variable]);
}

async function checkDatabase(text: string): Promise<void> {
  const url = URL.parse(text);
  if (url?.protocol !== 'mysql:' || url.hostname === '' || url.pathname.length < 2) throw new Error('give mysql://user:password@host:port/database');
  const connection = await createConnection({ uri: text, connectTimeout: ANSWER_TIMEOUT_MS });
  await connection.end();
}

async function checkRedis(text: string): Promise<void> {
  if (!['redis:', 'rediss:'].includes(URL.parse(text)?.protocol ?? '')) throw new Error('give redis://:password@host:port, or rediss:// for TLS');
  const redis = new Redis(text, { lazyConnect: true, retryStrategy: () => null, connectTimeout: ANSWER_TIMEOUT_MS, commandTimeout: ANSWER_TIMEOUT_MS });
  // A call that fails says only that there is no connection; why comes by event.
  let why: Error | undefined;
  redis.on('error', (error: Error) => {
    why ??= error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw why ?? error;
  } finally {
    redis.disconnect();
  }
}

async function checkTemporal(_address: string, { env, temporalNamespace }: OwnParts): Promise<void> {
  const connection = await connectTo(temporalPlaceFrom({ ...env, TEMPORAL_NAMESPACE: temporalNamespace }));
  await connection.close();
}

/** A node that is away is left out by the roles; a node of another chain, or none at all, is a mistake. */
async function checkChain(urls: string, { chainId }: OwnParts): Promise<void> {
  const endpoints = commaList(urls).map((url, index) => createEndpoint({ url, index, chainId, timeoutMs: ANSWER_TIMEOUT_MS }));
  const answers = await Promise.allSettled(endpoints.map(async (endpoint) => await endpoint.verify()));
  const others = endpoints.filter((_, index) => answers[index]?.status === 'fulfilled' && !answers[index].value);
  if (others.length > 0) throw new Error(`${others.map(({ name }) => name).join(' and ')} is not of chain ${chainId}: take it out, or set POLYGON_CHAIN_ID and SETTINGS_FILE for its chain`);
  const reasons = answers.flatMap((answer) => (answer.status === 'rejected' ? [oneLine(answer.reason)] : []));
  if (reasons.length === endpoints.length) throw new Error(reasons.join('; ') || 'it names no node');
}

async function checkSecretStore(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).catch((error: unknown) => {
    throw new Error(deepestLine(error), { cause: error });
  });
  await response.arrayBuffer();
}
