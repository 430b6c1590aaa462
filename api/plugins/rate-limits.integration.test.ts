import Fastify, { type FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { testRedisUrl } from '../../tests/harness/redis.ts';
import { startTcpProxy, type TcpProxy } from '../../tests/harness/tcp-proxy.ts';
import { startTestApi, type TestApi, type TestApiOptions } from '../api.testkit.ts';
import { answerError } from './errors.ts';
import { rateLimitsPlugin } from './rate-limits.ts';

const signIn = (api: TestApi, remoteAddress = '10.0.0.7') => api.app.inject({ method: 'POST', url: '/auth/login', payload: { email: 'nobody@example.com', password: 'x' }, remoteAddress });
const statusesOf = (answers: readonly { statusCode: number }[]) => answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b);
const many = (count: number, call: (index: number) => Promise<{ statusCode: number }>) => Promise.all(Array.from({ length: count }, (_, index) => call(index))).then(statusesOf);

describe('rate limits', () => {
  let api: TestApi;
  const callFrom = (remoteAddress: string) => api.app.inject({ url: '/withdrawals', headers: { authorization: api.user.bearer }, remoteAddress });
  beforeAll(async () => {
    api = await startTestApi({ rateLimits: { requestsPerSecond: 5, signInPerMinute: 2 } });
  });
  afterAll(() => api.close());

  it('refuse the sixth request within a second, and let the next second pass', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => api.app.inject('/assets')));
    const refused = answers.filter(({ statusCode }) => statusCode === 429);
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(5);
    expect(refused).toHaveLength(7);
    expect(refused[0]?.headers).toMatchObject({ 'retry-after': '1', ratelimit: '"address";r=0;t=1', 'ratelimit-policy': '"address";q=5;w=1' });
    expect(refused[0]?.json()).toMatchObject({ error: { code: 'RATE_LIMITED', retryable: true, message: expect.stringContaining('1초') } });
    await expect.poll(async () => (await api.app.inject('/assets')).statusCode, { timeout: 5_000, interval: 500 }).toBe(200);
  });

  it('count sign-ins of an address by the minute, and say how many are left', async () => {
    const answers = [await signIn(api), await signIn(api), await signIn(api)];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([401, 401, 429]);
    expect(answers.map(({ headers }) => headers['ratelimit'])).toEqual([expect.stringMatching(/^"guesses";r=1;t=60$/), expect.stringMatching(/^"guesses";r=0;t=\d+$/), expect.stringMatching(/^"guesses";r=0;t=\d+$/)]);
    expect(answers[2]?.headers['ratelimit-policy']).toBe('"address";q=5;w=1, "guesses";q=2;w=60');
    expect(answers[2]?.headers['ratelimit']).toBe(`"guesses";r=0;t=${String(answers[2]?.headers['retry-after'])}`);
  });

  it('count a user wherever he calls from', async () => {
    expect(await many(8, (index) => callFrom(`10.0.1.${index}`))).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    const headers = (await callFrom('10.0.1.9')).headers;
    expect(headers['ratelimit-policy']).toBe('"address";q=5;w=1, "account";q=5;w=1');
    expect(headers['ratelimit']).toMatch(/^"account";r=0;t=1$/);
  });

  it('count the addresses of one IPv6 network together', async () => {
    const from = (remoteAddress: string) => api.app.inject({ url: '/assets', remoteAddress });
    expect(await many(6, (index) => from(`2001:db8:1:1:${index}::1`))).toEqual([200, 200, 200, 200, 200, 429]);
    expect((await from('2001:db8:1:2::1')).statusCode).toBe(200);
  });

  it('count paths that do not exist, and HEAD as the GET it is', async () => {
    expect(await many(6, () => api.app.inject({ url: '/nowhere', remoteAddress: '10.0.2.1' }))).toEqual([404, 404, 404, 404, 404, 429]);
    expect(await many(6, (index) => api.app.inject({ method: index % 2 === 0 ? 'HEAD' : 'GET', url: '/assets', remoteAddress: '10.0.2.2' }))).toEqual([200, 200, 200, 200, 200, 429]);
  });

  it('believe no forwarded address from anyone', async () => {
    const answers = await many(6, (index) => api.app.inject({ url: '/assets', remoteAddress: '10.0.3.1', headers: { 'x-forwarded-for': `192.0.2.${index}` } }));
    expect(answers).toEqual([200, 200, 200, 200, 200, 429]);
  });

  it('leave health, readiness and metrics alone', async () => {
    for (const url of ['/health', '/metrics']) {
      expect(await many(12, () => api.app.inject(url))).toEqual(Array.from({ length: 12 }, () => 200));
      expect((await api.app.inject(url)).headers['ratelimit']).toBeUndefined();
    }
  });
});

describe('behind a load balancer', () => {
  let api: TestApi;
  const through = (proxy: string, forwarded: string) => api.app.inject({ url: '/assets', remoteAddress: proxy, headers: { 'x-forwarded-for': forwarded } });
  beforeAll(async () => {
    api = await startTestApi({ rateLimits: { requestsPerSecond: 2 }, api: { trustedProxies: ['10.1.0.0/16'] } });
  });
  afterAll(() => api.close());

  it('the last address that it does not trust counts, whatever stands before it', async () => {
    expect(await many(3, (index) => through(`10.1.0.${index}`, `203.0.113.${index}, 198.51.100.7, 10.1.7.7`))).toEqual([200, 200, 429]);
    expect((await through('10.1.0.1', '198.51.100.8')).statusCode).toBe(200);
  });

  it('the same header from elsewhere is ignored', async () => {
    expect(await many(3, (index) => through('10.2.0.1', `198.51.100.${100 + index}`))).toEqual([200, 200, 429]);
  });

  it('what is forwarded and is no address counts for the proxy itself', async () => {
    expect(await many(3, (index) => through('10.1.9.9', `unknown-${index}`))).toEqual([200, 200, 429]);
  });
});

describe('limits of single routes', () => {
  const started: TestApi[] = [];
  const start = async (options: TestApiOptions) => {
    const api = await startTestApi(options);
    started.push(api);
    return api;
  };
  afterEach(async () => {
    for (const api of started.splice(0)) await api.close();
  });

  it('hold an account on that route only, or an address where nobody signs in', async () => {
    const api = await start({ rateLimits: { routes: { 'GET /withdrawals': 2, 'GET /assets': 1 } } });
    expect(await many(3, (index) => api.app.inject({ url: '/withdrawals', headers: { authorization: api.user.bearer }, remoteAddress: `10.0.0.${index}` }))).toEqual([200, 200, 429]);
    const other = await api.get('/withdrawals', api.stranger);
    expect(other.statusCode).toBe(200);
    expect(other.headers['ratelimit']).toBe('"route";r=1;t=1');
    expect((await api.get('/admin/transactions', api.admin)).headers['ratelimit-policy']).not.toContain('"route"');
    expect(await many(2, () => api.app.inject('/assets'))).toEqual([200, 429]);
  });

  it.each(['GET /withdrawal', 'withdrawals', 'get /withdrawals', 'GET /withdrawals/{requestId}'])('keep the API from starting when they name %s', async (name) => {
    const api = await start({ rateLimits: { routes: { [name]: 1 } } });
    await expect(api.app.ready()).rejects.toThrow(`rateLimits.routes names "${name}"`);
  });
});

it('an API key is counted beside its owner, and not beyond it', async () => {
  const redis = new Redis(testRedisUrl());
  await redis.flushdb();
  const app = Fastify();
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  const callers = fp(async (instance) => void instance.decorateRequest('account', null), { name: 'authentication' });
  await app.register(callers);
  await app.register(rateLimitsPlugin, { redis, rateLimits: { requestsPerSecond: 3, keyRequestsPerSecond: 2, signInPerMinute: 1, routes: {} }, answerMs: 5_000 });
  const withKey = async (request: FastifyRequest) => {
    request.account = { id: 7, role: 'USER', email: 'owner@example.com', via: { kind: 'key', keyId: Number(request.headers['x-test-key']), scopes: ['withdrawals:read'] } };
  };
  app.get('/', { onRequest: [withKey, app.limits.account({ name: 'GET /', guesses: false, anonymous: false })] }, () => 'passed');
  const call = (key: number) => app.inject({ url: '/', headers: { 'x-test-key': String(key) } });
  try {
    const first = await call(1);
    expect(first.headers['ratelimit-policy']).toBe('"account";q=3;w=1, "key";q=2;w=1');
    expect(await many(2, () => call(1))).toEqual([200, 429]);
    // Three of the owner are counted by now: another key of theirs gets nothing more.
    expect((await call(2)).headers['ratelimit']).toBe('"account";r=0;t=1');
  } finally {
    await app.close();
    redis.disconnect();
  }
});

describe('when Redis', () => {
  let proxy: TcpProxy;
  let api: TestApi;
  const isCountedAgain = () => vi.waitFor(async () => expect((await api.app.inject('/assets')).headers['ratelimit']).toBeDefined(), { timeout: 60_000, interval: 200 });
  beforeAll(async () => {
    const url = new URL(testRedisUrl());
    proxy = await startTcpProxy(Number(url.port));
    url.port = String(proxy.port);
    const direct = new Redis(testRedisUrl());
    await direct.flushdb();
    direct.disconnect();
    api = await startTestApi({ rateLimits: { requestsPerSecond: 8, signInPerMinute: 4 }, redisUrl: url.href, httpLimits: { countersAnswerMs: 300 } });
    await isCountedAgain();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    proxy.inject({ kind: 'pass' });
    await isCountedAgain();
  });
  afterAll(async () => {
    await api.close();
    await proxy.stop();
  });

  it('is down, usual requests pass, guesses are refused all the same, and it is said once', async () => {
    expect([(await signIn(api, '10.9.0.1')).statusCode, (await signIn(api, '10.9.0.1')).statusCode]).toEqual([401, 401]);
    proxy.inject({ kind: 'cut' });
    expect(await many(10, () => api.app.inject({ url: '/assets', remoteAddress: '10.9.0.2' }))).toEqual(Array.from({ length: 10 }, () => 200));
    // The two from before the outage are not forgotten.
    const answers = [await signIn(api, '10.9.0.1'), await signIn(api, '10.9.0.1'), await signIn(api, '10.9.0.1')];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([401, 401, 429]);
    expect(answers[2]?.headers).toMatchObject({ 'retry-after': expect.stringMatching(/^\d+$/), ratelimit: expect.stringMatching(/^"guesses";r=0;t=\d+$/), 'ratelimit-policy': '"guesses";q=4;w=60' });
    expect(api.logText().match(/rate limits are not counted/g)).toHaveLength(1);
  });

  it('is slow, a request waits for it a bounded time, and soon not at all', async () => {
    const asked = vi.spyOn(api.redis, 'eval');
    proxy.inject({ kind: 'stall' });
    const startedAt = Date.now();
    for (let index = 0; index < 40; index += 1) expect((await api.app.inject({ url: '/assets', remoteAddress: '10.9.1.1' })).statusCode).toBe(200);
    const seconds = (Date.now() - startedAt) / 1_000;
    // Three that waited, and one probe a second.
    expect(asked.mock.calls.length).toBeGreaterThan(0);
    expect(asked.mock.calls.length).toBeLessThanOrEqual(3 + Math.ceil(seconds));
    expect((await Promise.all(asked.mock.results.map(({ value }) => (value as Promise<unknown>).then(() => 'answered', () => 'silent')))).every((answer) => answer === 'silent')).toBe(true);
  });

  it('is emptied, guesses of this minute still count', async () => {
    for (let index = 0; index < 4; index += 1) expect((await signIn(api, '10.9.2.1')).statusCode).toBe(401);
    await api.redis.flushdb();
    expect((await signIn(api, '10.9.2.1')).statusCode).toBe(429);
  });

  it('holds a counter without an end, it gets one', async () => {
    await api.redis.set('rate-limit:address:10.9.3.1', '1000');
    expect((await api.app.inject({ url: '/assets', remoteAddress: '10.9.3.1' })).statusCode).toBe(429);
    await expect.poll(async () => (await api.app.inject({ url: '/assets', remoteAddress: '10.9.3.1' })).statusCode, { timeout: 5_000, interval: 300 }).toBe(200);
  });
});
