import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../tests/harness/tcp-proxy.ts';
import { openDatabase } from './client.ts';
import { isDatabaseUnavailable } from './connection-lost.ts';
import { createLogger } from './observability/logger.ts';
import { openRedis } from './redis.ts';
import { testRedisUrl } from '../tests/harness/redis.ts';

const portOf = (url: string): number => Number(new URL(url).port);

function through(proxy: TcpProxy, url: string): string {
  const reached = new URL(url);
  reached.port = String(proxy.port);
  return reached.href;
}

/** A line that a firewall forgot: nobody says that it is dead, and nothing that is said on it is ever answered. */
describe('a line that falls silent for good', () => {
  let mysql: TcpProxy;
  let redisLine: TcpProxy;

  beforeAll(async () => {
    mysql = await startTcpProxy(portOf(inject('infrastructure').databaseUrl));
    redisLine = await startTcpProxy(portOf(testRedisUrl()));
  });
  afterAll(async () => {
    await mysql.stop();
    await redisLine.stop();
  });

  async function silenced(proxy: TcpProxy, say: () => Promise<unknown>): Promise<unknown> {
    proxy.inject({ kind: 'swallow', forGood: true });
    const answer = say().catch((error: unknown) => error);
    await expect.poll(() => proxy.swallowed(), { timeout: 5_000 }).toBeGreaterThan(0);
    // What was said is lost; new lines work again.
    proxy.inject({ kind: 'pass' });
    return await answer;
  }

  it('to the database ends as "unavailable", and the pool makes a new one', async () => {
    const database = openDatabase(through(mysql, inject('infrastructure').databaseUrl), { connectionsMax: 1, silenceMsMax: 1_000 });
    try {
      await database.pool.query('SELECT 1');
      const error = await silenced(mysql, async () => await database.pool.query('SELECT 2'));
      expect(isDatabaseUnavailable(error)).toBe(true);
      expect((await database.pool.query('SELECT 3 AS three'))[0]).toEqual([{ three: 3 }]);
    } finally {
      await database.close();
    }
  });

  it('to Redis is given up, and commands are answered again', async () => {
    const redis = openRedis(through(redisLine, testRedisUrl()), createLogger({ service: 'test', level: 'ERROR' }));
    try {
      await expect.poll(async () => await redis.ping().catch(() => 'away'), { timeout: 5_000 }).toBe('PONG');
      expect(String(await silenced(redisLine, async () => await redis.ping()))).toContain('timed out');
      await expect.poll(async () => await redis.ping().catch(() => 'away'), { timeout: 15_000 }).toBe('PONG');
    } finally {
      redis.disconnect();
    }
  });
});
