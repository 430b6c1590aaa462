import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../api.testkit.ts';

let api: TestApi;
const signIn = () => api.app.inject({ method: 'POST', url: '/auth/login', payload: { email: 'nobody@example.com', password: 'x' }, remoteAddress: '10.0.0.7' });
const callFrom = (remoteAddress: string) => api.app.inject({ url: '/withdrawals', headers: { authorization: api.user.bearer }, remoteAddress });
beforeAll(async () => {
  api = await startTestApi({ rateLimits: { requestsPerSecond: 5, signInPerMinute: 2 } });
});
afterAll(() => api.close());

describe('rate limits', () => {
  it('refuse the sixth request within a second, and let the next second pass', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => api.app.inject('/assets')));
    const refused = answers.filter(({ statusCode }) => statusCode === 429);
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(5);
    expect(refused).toHaveLength(7);
    expect(refused[0]?.headers['retry-after']).toBe('1');
    expect(refused[0]?.json()).toMatchObject({ error: { code: 'RATE_LIMITED', retryable: true, message: expect.stringContaining('1초') } });
    await expect.poll(async () => (await api.app.inject('/assets')).statusCode, { timeout: 5_000, interval: 500 }).toBe(200);
  });

  it('count sign-ins of an address by the minute', async () => {
    expect([(await signIn()).statusCode, (await signIn()).statusCode, (await signIn()).statusCode]).toEqual([401, 401, 429]);
  });

  it('count a user wherever he calls from', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => callFrom(`10.0.1.${index}`)));
    expect(answers.filter(({ statusCode }) => statusCode === 429)).toHaveLength(3);
  });

  it('leave health, readiness and metrics alone', async () => {
    for (const url of ['/health', '/metrics']) {
      const answers = await Promise.all(Array.from({ length: 12 }, () => api.app.inject(url)));
      expect(answers.every(({ statusCode }) => statusCode === 200)).toBe(true);
    }
  });

  it('let requests pass without Redis, and say so once', async () => {
    const lonely = await startTestApi({ rateLimits: { requestsPerSecond: 1, signInPerMinute: 1 }, redisUrl: 'redis://127.0.0.1:9' });
    try {
      const answers = await Promise.all(Array.from({ length: 5 }, () => lonely.app.inject('/assets')));
      expect(answers.every(({ statusCode }) => statusCode === 200)).toBe(true);
      expect(lonely.logText().match(/rate limits are not counted/g)).toHaveLength(1);
    } finally {
      await lonely.close();
    }
  });
});
