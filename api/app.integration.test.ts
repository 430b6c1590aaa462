import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from './api.testkit.ts';

const ROUTES = [
  ['post', '/withdrawals'], ['get', '/withdrawals'], ['get', '/withdrawals/{requestId}'], ['post', '/withdrawals/{requestId}/cancel'], ['get', '/withdrawals/{requestId}/events'],
  ['get', '/admin/transactions'], ['get', '/admin/transactions/{id}'],
  ['get', '/admin/payload-reader'], ['get', '/admin/queues'], ['get', '/admin/stats'], ['post', '/admin/halt'], ['post', '/admin/resume'], ['get', '/admin/halts'],
  ['get', '/admin/dead-letters'], ['post', '/admin/dead-letters/retry'], ['post', '/admin/transactions/{id}/retry'], ['post', '/admin/transactions/{id}/mark-paid'], ['get', '/admin/alerts'],
  ['post', '/admin/transactions/{id}/approve'], ['post', '/admin/transactions/{id}/reject'], ['post', '/admin/transactions/{id}/cancel'],
    ['post', '/auth/second-factor'], ['get', '/auth/second-factor'], ['delete', '/auth/second-factor'], ['post', '/auth/second-factor/confirm'], ['post', '/auth/second-factor/verify'],
  ['post', '/admin/users/{id}/second-factor/reset'],
  ['get', '/assets'], ['post', '/auth/login'], ['post', '/auth/refresh'], ['post', '/auth/logout'], ['post', '/auth/register'], ['post', '/auth/password'], ['get', '/auth/sessions'], ['delete', '/auth/sessions'], ['delete', '/auth/sessions/{id}'], ['get', '/.well-known/jwks.json'],
  ['get', '/admin/users'], ['post', '/admin/users'], ['get', '/admin/users/{id}'], ['patch', '/admin/users/{id}'],
  ['get', '/health'], ['get', '/ready'], ['get', '/metrics'],
  ['get', '/admin/wallets'], ['post', '/admin/wallets/{address}/pause'], ['post', '/admin/wallets/{address}/drain'], ['post', '/admin/wallets/{address}/resume'],
  ['get', '/admin/treasury/movements'], ['post', '/admin/treasury/movements'],
  ['post', '/api-keys'], ['get', '/api-keys'], ['delete', '/api-keys/{id}'],
  ['post', '/webhooks'], ['get', '/webhooks'], ['get', '/webhooks/{id}'], ['patch', '/webhooks/{id}'], ['delete', '/webhooks/{id}'], ['post', '/webhooks/{id}/secrets'],
  ['get', '/webhooks/{id}/deliveries'], ['post', '/webhooks/{id}/deliveries/{deliveryId}/redeliver'],
  ['get', '/admin/policies'], ['put', '/admin/policies'], ['post', '/admin/policies/{version}/approve'], ['post', '/admin/policies/{version}/reject'], ['post', '/admin/policies/simulate'],
  ['get', '/admin/audit'], ['get', '/admin/audit/verification'],
  ['get', '/admin/addresses'], ['post', '/admin/addresses'], ['delete', '/admin/addresses/{id}'], ['post', '/admin/addresses/{id}/approve'], ['post', '/admin/addresses/{id}/reject'],
] as const;

interface Operation {
  summary?: string;
  requestBody?: { content: Record<string, { schema: { $ref?: string }; example?: unknown }> };
  responses: Record<string, { content?: Record<string, { schema: { $ref?: string }; example?: unknown }> }>;
}

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

describe('the documents', () => {
  it('are valid OpenAPI with every route, an example and the error shape', async () => {
    const document = (await api.app.inject('/docs/json')).json<{ openapi: string; paths: Record<string, Record<string, Operation>>; webhooks: Record<string, Record<string, Operation>>; components: { schemas: Record<string, { examples?: unknown[]; example?: unknown }> } }>();
    const result = await new Validator().validate(document as object as Record<string, unknown>);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`)).toSorted()).toEqual(ROUTES.map(([method, path]) => `${method} ${path}`).toSorted());
    for (const [method, path] of ROUTES) {
      const operation = document.paths[path]?.[method];
      expect(operation?.summary).toBeTruthy();
      for (const [status, response] of Object.entries(operation?.responses ?? {})) {
        for (const media of Object.values(response.content ?? {})) {
          const name = media.schema.$ref?.split('/').at(-1);
          const examples = name === undefined ? [media.example ?? (media.schema as { examples?: unknown[] }).examples?.[0]] : (document.components.schemas[name]?.examples ?? [media.example]);
          expect(examples[0]).toBeDefined();
          // What /ready says of itself is no error, whatever its status.
          expect(name === 'Error').toBe(Number(status) >= 400 && !(path === '/ready' && status === '503'));
        }
      }
    }
    // What is sent to receivers is documented beside what is served.
    expect(document.webhooks['withdrawal']?.['post']?.requestBody?.content['application/json']?.schema.$ref).toBe('#/components/schemas/WebhookMessage');
    expect(document.components.schemas['WebhookMessage']?.examples?.[0]).toMatchObject({ type: 'withdrawal.completed' });
    expect(JSON.stringify(document)).not.toContain('"$id"');
  });

  it('have an example for every body that is sent, and every example is what its schema says', async () => {
    const document = (await api.app.inject('/docs/json')).json<{ paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, TSchema & { examples?: unknown[] }> } }>();
    const { schemas } = document.components;
    const resolved = (node: unknown): unknown => {
      if (Array.isArray(node)) return node.map(resolved);
      if (typeof node !== 'object' || node === null) return node;
      const { $ref } = node as { $ref?: string };
      if ($ref !== undefined) return resolved(schemas[$ref.split('/').at(-1) ?? '']);
      return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, resolved(value)]));
    };
    for (const [method, path] of ROUTES) {
      const body = document.paths[path]?.[method]?.requestBody?.content['application/json'];
      if (!body) continue;
      const schema = resolved(body.schema) as TSchema & { examples?: unknown[] };
      const example = body.example ?? schema.examples?.[0];
      expect(example, `${method} ${path}`).toBeDefined();
      expect([method, path, [...Value.Errors(schema, example)]]).toEqual([method, path, []]);
    }
    const wrong = Object.entries(schemas).flatMap(([name, schema]) => (schema.examples ?? []).flatMap((example) => [...Value.Errors(resolved(schema) as TSchema, example)].map(({ instancePath, message }) => `${name}${instancePath}: ${message}`)));
    expect(wrong).toEqual([]);
  });

  it('have a page whose parts load under its own policy', async () => {
    const page = await api.app.inject('/docs');
    expect(page.statusCode).toBe(200);
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    expect(page.headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
    const parts = [...page.body.matchAll(/(?:src|href)="\.?\/?(?:docs\/)?(static\/[^"]+)"/g)].map(([, part]) => part ?? '');
    expect(parts.length).toBeGreaterThan(3);
    for (const part of parts) expect((await api.app.inject(`/docs/${part}`)).statusCode).toBe(200);
  });
});

describe('every response', () => {
  it('carries a sane correlation id, its own or a new one', async () => {
    for (const [given, kept] of [['order-0001.a_b', true], ['1', true], ['', false], ['x'.repeat(65), false], ['inject "quote', false], [undefined, false]] as const) {
      for (const url of ['/health', '/nowhere', '/withdrawals']) {
        const response = await api.app.inject({ url, headers: given === undefined ? {} : { 'x-correlation-id': given } });
        const id = response.headers['x-correlation-id'];
        if (kept) expect(id).toBe(given);
        else expect(id).toMatch(/^[0-9a-f-]{36}$/);
        expect(response.json<{ correlationId?: string }>().correlationId).toBe(response.statusCode === 200 ? undefined : id);
      }
    }
  });

  it('is logged as a line with the five fields, the correlation id once', async () => {
    await api.app.inject({ url: '/assets?token=do-not-log', headers: { 'x-correlation-id': 'log-check-1', authorization: 'Bearer do-not-log' } });
    const lines = api.logText().split('\n').filter((line) => line.includes('log-check-1'));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({ timestamp: expect.any(String), correlationId: 'log-check-1', service: 'api-server', level: expect.stringMatching(/^(ERROR|WARN|INFO|DEBUG)$/), message: expect.any(String) });
      expect(line.match(/correlationId/g)).toHaveLength(1);
    }
    expect(api.logText()).not.toContain('do-not-log');
  });

  it.each(['/nowhere', '/withdrawals/x/y', '/%E0%A4%A', '/docs/../../package.json'])('is ours for %s', async (url) => {
    const response = await api.app.inject({ url });
    expect(response.statusCode).toBeGreaterThanOrEqual(400);
    expect(response.statusCode).toBeLessThan(500);
    expect(response.json()).toMatchObject({ error: { code: expect.stringMatching(/^(NOT_FOUND|VALIDATION_FAILED)$/), message: expect.stringMatching(/[가-힣]/), retryable: false }, correlationId: response.headers['x-correlation-id'] });
  });

  it('is ours even for bytes that are no request', async () => {
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = api.app.server.address() as AddressInfo;
    for (const [bytes, status] of [['HELLO\r\n\r\n', 400], [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431]] as const) {
      const text = await new Promise<string>((resolve, reject) => {
        let answer = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
        socket.on('data', (chunk) => {
          answer += chunk.toString('utf8');
        });
        socket.once('close', () => resolve(answer));
        socket.once('error', reject);
      });
      expect(text).toContain(`HTTP/1.1 ${status}`);
      expect(JSON.parse(text.split('\r\n\r\n')[1] ?? '')).toMatchObject({ error: { code: 'VALIDATION_FAILED', retryable: false }, correlationId: expect.any(String) });
    }
  });

  it('is counted by route, method and status', async () => {
    await api.app.inject('/nowhere/1');
    const text = (await api.app.inject('/metrics')).body;
    expect(text).toMatch(/http_request_duration_seconds_count\{service="api-server",route="\/assets",method="GET",status="200"\} [1-9]/);
    expect(text).toMatch(/route="unknown"/);
    expect(text).not.toContain('/nowhere/1');
    expect(text).toContain('process_cpu_user_seconds_total');
  });
});

describe('GET /assets', () => {
  it('lists what is enabled to anyone, in the shape of the contract', async () => {
    expect((await api.app.inject('/assets')).json()).toEqual({
      items: [
        { currency: 'POL', network: 'polygon-amoy', chainId: 80002, tokenAddress: null, decimals: 18, minAmount: '0.01', maxAmount: '999.999999', enabled: true },
        { currency: 'USDC', network: 'polygon-amoy', chainId: 80002, tokenAddress: '0x5FbDB2315678afecb367f032d93F642f64180aa3', decimals: 6, minAmount: '0.01', maxAmount: '999.999999', enabled: true },
      ],
      nextCursor: null,
    });
  });
});
