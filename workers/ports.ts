import type { Redis } from 'ioredis';
import type { Registry } from 'prom-client';
import type { Rpc } from '../activities/chain/rpc.ts';
import { createNonceFront, type NonceFront } from '../activities/nonce-front.ts';
import { openDatabase, type DatabaseHandle } from '../db/client.ts';
import { crashPointFrom, type CrashPoint } from '../db/crash-point.ts';
import type { Logger } from '../db/observability/logger.ts';
import { openRedis } from '../db/redis.ts';
import type { Settings } from '../domain/settings.ts';
import { openChain } from './chain.ts';
import type { WorkerConfig } from './config.ts';

/** The real things every worker role hands to its activities. */
export interface Ports {
  db: DatabaseHandle['db'];
  redis: Redis;
  rpc: Rpc;
  nonceFront: NonceFront;
  settings: Settings;
  crashPoint: CrashPoint;
  log: Logger;
  close(): Promise<void>;
}

/** Opens database, Redis and chain for one process. */
export function openPorts(config: WorkerConfig, log: Logger, registry: Registry, env: NodeJS.ProcessEnv): Ports {
  const database = openDatabase(config.databaseUrl);
  const redis = openRedis(config.redisUrl, log);
  const rpc = openChain({ urls: config.rpcUrls, settings: config.settings.chain, db: database.db, log, registry });
  return {
    db: database.db,
    redis,
    rpc,
    nonceFront: createNonceFront(redis, (error) => log.warn({ error }, 'the nonce front in Redis did not answer: MySQL decides alone')),
    settings: config.settings,
    crashPoint: crashPointFrom(env),
    log,
    async close() {
      redis.disconnect();
      await database.close();
    },
  };
}
