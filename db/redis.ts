import { once } from 'node:events';
import { Redis } from 'ioredis';
import type { Logger } from './observability/logger.ts';

const COMMAND_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 2_000;
/** A line on which a command has had no word for this long is dead: without it every later command would wait for its own time-out, for ever. */
const SILENCE_MS_MAX = 3_000;
const RECONNECT_MS_MAX = 2_000;
const FAILURE_LOG_INTERVAL_MS = 60_000;

/** A Redis client that fails at once while there is no connection, and keeps trying to get one: requests never wait for it. */
export function openRedis(url: string, logger: Logger): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS_MAX,
    retryStrategy: (times) => Math.min(times * 100, RECONNECT_MS_MAX),
  });
  let loggedAt = 0;
  redis.on('error', (error: Error) => {
    if (Date.now() - loggedAt < FAILURE_LOG_INTERVAL_MS) return;
    loggedAt = Date.now();
    logger.warn({ error }, 'Redis cannot be reached');
  });
  return redis;
}

/** Waits for a new client's connection, so that a process does not begin with commands that fail. Resolves without one when Redis is away: it may come later. */
export async function connected(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return;
  await once(redis, 'ready', { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) }).catch(() => undefined);
}

/** True when Redis could not answer now but may soon; ioredis says so in words only. */
export function isRedisUnavailable(error: unknown): boolean {
  return error instanceof Error && /^Connection is closed|^Command timed out|^Stream isn't writeable|max retries per request/.test(error.message);
}
