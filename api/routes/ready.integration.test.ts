import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import { chainHeadKey } from '../ready/checks.ts';
import type { Readiness } from '../schemas/readiness.ts';
import { BODY, startTestApi, type TestApi } from '../api.testkit.ts';

const CACHED_MS = 1_100;

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

async function ready(of: TestApi = api): Promise<{ statusCode: number; body: Readiness }> {
  await sleep(CACHED_MS);
  const response = await of.app.inject('/ready');
  return { statusCode: response.statusCode, body: response.json<Readiness>() };
}

describe('GET /ready', () => {
  it('sees the chain by the block follower, and misses it when it is silent', async () => {
    await api.redis.del(chainHeadKey(80002));
    expect((await ready()).body.dependencies.chain).toMatchObject({ status: 'down' });
    await api.redis.set(chainHeadKey(80002), JSON.stringify({ number: 1207, hash: '0xab', timestampMs: Date.now() }), 'PX', 10_000);
    const { statusCode, body } = await ready();
    expect(statusCode).toBe(200);
    expect(body.dependencies).toMatchObject({ database: { status: 'up' }, redis: { status: 'up' }, temporal: { status: 'up' }, chain: { status: 'up', detail: 'block 1207' } });
  });

  it('sees a worker that polls', async () => {
    const before = await ready();
    expect(before.body.dependencies['tx-monitor'].status).toBe('down');
    expect(before.body.status).toBe('degraded');
    const connection = await NativeConnection.connect({ address: inject('infrastructure').temporalAddress });
    const worker = await Worker.create({ connection, taskQueue: TASK_QUEUES.monitor, activities: { confirm: async () => undefined } });
    const running = worker.run();
    try {
      await sleep(1_000);
      expect((await ready()).body.dependencies['tx-monitor']).toMatchObject({ status: 'up', detail: expect.stringContaining('poller') });
    } finally {
      worker.shutdown();
      await running;
      await connection.close();
    }
  });

  it('without Redis and Temporal is degraded soon, and still accepts', async () => {
    const lonely = await startTestApi({ temporalAddress: '127.0.0.1:9', redisUrl: 'redis://127.0.0.1:9' });
    // What the first call of a process builds is not what an answer may take.
    await lonely.app.ready();
    try {
      const startedAt = Date.now();
      const response = await lonely.app.inject('/ready');
      expect(Date.now() - startedAt).toBeLessThan(2_500);
      expect(response.statusCode).toBe(200);
      expect(response.json()).toMatchObject({ status: 'degraded', dependencies: { database: { status: 'up' }, redis: { status: 'down' }, temporal: { status: 'down' }, chain: { status: 'down' }, 'signing-service': { status: 'down' } } });
      // Anyone may ask: what is down is named, not where it stands.
      expect(response.body).not.toContain('127.0.0.1');
      const acceptedAt = Date.now();
      expect((await lonely.post(BODY)).statusCode).toBe(202);
      expect(Date.now() - acceptedAt).toBeLessThan(2_000);
    } finally {
      await lonely.close();
    }
  });

  it('without the database is unavailable, and so is what needs it; /health is not', async () => {
    const broken = await startTestApi();
    await broken.database.pool.end();
    try {
      const { statusCode, body } = await ready(broken);
      expect(statusCode).toBe(503);
      expect(body.status).toBe('unavailable');
      expect((await broken.app.inject('/health')).json()).toEqual({ status: 'ok' });
      const post = await broken.post(BODY);
      expect(post.statusCode).toBe(503);
      expect(post.json()).toMatchObject({ error: { code: 'SERVICE_UNAVAILABLE', retryable: true } });
    } finally {
      // Its pool is closed already, so closing it again is refused.
      await expect(broken.close()).rejects.toThrow(/closed/);
    }
  });
});
