import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../api.testkit.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

// OWASP, REST Security Cheat Sheet and HTTP Headers Cheat Sheet; HSTS is for what ends TLS.
it.each([
  ['GET', '/assets', 200], ['GET', '/withdrawals', 401], ['GET', '/nowhere', 404], ['POST', '/auth/login', 400], ['GET', '/health', 200], ['GET', '/metrics', 200], ['GET', '/docs/json', 200],
] as const)('%s %s (%i) is kept by nobody, framed by nobody and sniffed by nobody', async (method, url, status) => {
  const { statusCode, headers } = await api.app.inject({ method, url, ...(method === 'POST' && { payload: {} }) });
  expect(statusCode).toBe(status);
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'x-permitted-cross-domain-policies': 'none',
    'permissions-policy': expect.stringContaining('camera=()'),
  });
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
  expect(headers['content-type']).toMatch(/^(application\/json|text\/plain)/);
  expect([headers['server'], headers['x-powered-by'], headers['strict-transport-security']]).toEqual([undefined, undefined, undefined]);
});

it('answers with data let nothing be run from them; the documents run only what they bring', async () => {
  expect((await api.get('/withdrawals')).headers['content-security-policy']).toBe("default-src 'none';base-uri 'none';frame-ancestors 'none'");
  const page = (await api.app.inject('/docs')).headers;
  expect(page['content-security-policy']).toContain("script-src 'self'");
  expect(page['content-security-policy']).not.toMatch(/script-src[^;]*unsafe/);
  expect(page['content-security-policy']).toContain("base-uri 'none'");
  expect(page['x-frame-options']).toBe('DENY');
});
