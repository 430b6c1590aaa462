import { afterEach, describe, expect, it } from 'vitest';
import type { Redis } from 'ioredis';
import { startTcpProxy } from '../tests/harness/tcp-proxy.ts';
import { testRedisUrl } from '../tests/harness/redis.ts';
import { createLogger } from './observability/logger.ts';
import { connected, openRedis } from './redis.ts';

describe('a new Redis client', () => {
  const log = createLogger({ service: 'test', level: 'ERROR' });
  let redis: Redis;
  afterEach(() => redis.disconnect());

  it('takes its first command once it is connected', async () => {
    redis = openRedis(testRedisUrl(), log);
    await expect(redis.ping()).rejects.toThrow('Stream isn');
    await connected(redis);
    expect(await redis.ping()).toBe('PONG');
    await connected(redis);
  });

  it('keeps nobody waiting for a Redis that is away', async () => {
    const proxy = await startTcpProxy(1);
    const { port } = proxy;
    await proxy.stop();
    redis = openRedis(`redis://127.0.0.1:${port}`, log);
    await connected(redis);
    expect(redis.status).not.toBe('ready');
  });
});
