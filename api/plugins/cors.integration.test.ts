import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../api.testkit.ts';

const ORIGIN = 'https://console.example.com';
const corsHeadersOf = (headers: Record<string, unknown>) => Object.keys(headers).filter((name) => name.startsWith('access-control-'));

describe('with a list of origins', () => {
  let api: TestApi;
  const preflight = (origin: string, url = '/withdrawals', method = 'POST') =>
    api.app.inject({ method: 'OPTIONS', url, headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'authorization,content-type,idempotency-key' } });
  beforeAll(async () => {
    api = await startTestApi({ api: { corsOrigins: [ORIGIN, 'http://localhost:5173'] }, rateLimits: { requestsPerSecond: 1_000, signInPerMinute: 1 } });
  });
  afterAll(() => api.close());

  it('a listed one may ask, and is told what it may send', async () => {
    for (const origin of [ORIGIN, 'http://localhost:5173']) {
      const answer = await preflight(origin);
      expect(answer.statusCode).toBe(204);
      expect(answer.body).toBe('');
      expect(answer.headers).toMatchObject({ 'access-control-allow-origin': origin, 'access-control-max-age': '600' });
      expect(answer.headers['access-control-allow-headers']).toContain('idempotency-key');
      expect(answer.headers['access-control-allow-methods']).toContain('PATCH');
      expect(answer.headers['vary']).toMatch(/Origin/i);
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    }
  });

  it.each(['https://evil.example.com', `${ORIGIN}.evil.example`, 'http://console.example.com', `${ORIGIN}:8443`, 'null', ''])('%j is not let in', async (origin) => {
    for (const answer of [await preflight(origin), await api.app.inject({ url: '/assets', headers: { origin } })]) {
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      expect(answer.headers['vary']).toMatch(/Origin/i);
    }
  });

  it('answers and errors alike can be read by the page, with their correlation id and limits', async () => {
    const call = { method: 'POST', url: '/auth/login', payload: { email: 'nobody@example.com', password: 'x' }, headers: { origin: ORIGIN } } as const;
    const answers = [await api.app.inject({ url: '/assets', headers: { origin: ORIGIN } }), await api.app.inject({ url: '/withdrawals', headers: { origin: ORIGIN } }), await api.app.inject({ url: '/nowhere', headers: { origin: ORIGIN } }), await api.app.inject(call), await api.app.inject(call)];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 401, 404, 401, 429]);
    for (const { headers } of answers) {
      expect(headers['access-control-allow-origin']).toBe(ORIGIN);
      expect(headers['access-control-expose-headers']).toContain('x-correlation-id');
      expect(headers['access-control-expose-headers']).toContain('retry-after');
      expect(String(headers['vary']).toLowerCase().split(', ').toSorted()).toEqual(['accept-language', 'origin']);
    }
  });

  it('a preflight carries out nothing and asks for no account', async () => {
    const answer = await preflight(ORIGIN, '/admin/halt');
    expect(answer.statusCode).toBe(204);
    expect(answer.headers['www-authenticate']).toBeUndefined();
  });
});

describe('without one', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
  });
  afterAll(() => api.close());

  it('nothing is said of it, and no path knows OPTIONS', async () => {
    const answer = await api.app.inject({ method: 'OPTIONS', url: '/withdrawals', headers: { origin: ORIGIN, 'access-control-request-method': 'POST' } });
    expect(answer.statusCode).toBe(404);
    expect(corsHeadersOf(answer.headers)).toEqual([]);
    expect(corsHeadersOf((await api.app.inject({ url: '/assets', headers: { origin: ORIGIN } })).headers)).toEqual([]);
  });
});
