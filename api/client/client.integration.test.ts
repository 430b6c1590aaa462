import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTcpProxy } from '../../tests/harness/tcp-proxy.ts';
import { makeKey } from '../api-keys/api-keys.testkit.ts';
import { BODY, startTestApi, type TestApi } from '../api.testkit.ts';
import { createApiClient, type ApiClient } from './client.ts';
import type { ApiKeyCredentials } from './sign-request.ts';

const HAS_TOOLS = ['openssl', 'curl'].every((tool) => spawnSync(tool, ['--version']).error === undefined);

let api: TestApi;
let key: ApiKeyCredentials;
let port: number;
let client: ApiClient;
beforeAll(async () => {
  api = await startTestApi();
  key = await makeKey(api.app, api.user, { scopes: ['withdrawals:read', 'withdrawals:create', 'webhooks:manage'] });
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = api.app.server.address() as AddressInfo);
  client = createApiClient({ baseUrl: `http://127.0.0.1:${port}`, credentials: key, language: 'en' });
});
afterAll(() => api.close());

let orders = 0;
const withdraw = (by = client) => by.POST('/withdrawals', { params: { header: { 'idempotency-key': `client-${(orders += 1)}` } }, body: BODY });

describe('the client', () => {
  it('signs what has a body, a query, a path of its own, or nothing of that', async () => {
    const { data: accepted } = await withdraw();
    expect(accepted).toMatchObject({ status: 'PENDING', amount: '12.5' });
    const { data: page } = await client.GET('/withdrawals', { params: { query: { status: 'PENDING', currency: 'USDC', limit: 1 } } });
    expect(page?.items.map(({ requestId }) => requestId)).toEqual([accepted?.requestId]);
    const { data: one } = await client.GET('/withdrawals/{requestId}', { params: { path: { requestId: accepted?.requestId ?? '' } } });
    expect(one?.timeline.map(({ type }) => type)).toContain('accepted');
    expect((await client.GET('/withdrawals')).data?.items).toHaveLength(1);
    const { data: webhook } = await client.POST('/webhooks', { body: { url: 'https://shop.example.com/hooks?of=ü' } });
    expect((await client.DELETE('/webhooks/{id}', { params: { path: { id: String(webhook?.id) } } })).response.status).toBe(204);
  });

  it('gives a refusal as an answer, in the language asked for', async () => {
    const { data, error, response } = await client.GET('/withdrawals/{requestId}', { params: { path: { requestId: 'tx-1795494000000-0123456789abcdef0123' } } });
    expect([data, response.status, error?.error.code, error?.error.message]).toEqual([undefined, 404, 'NOT_FOUND', 'What was asked for does not exist.']);
    expect((await client.POST('/withdrawals/{requestId}/cancel', { params: { path: { requestId: 'tx-1795494000000-0123456789abcdef0123' } } })).response.status).toBe(403);
  });

  it('whose answers are lost asks again, and one withdrawal is accepted', async () => {
    const proxy = await startTcpProxy(port);
    const through = createApiClient({ baseUrl: `http://127.0.0.1:${proxy.port}`, credentials: key, waitMs: 50, triesMax: 100 });
    const before = await api.countWithdrawals();
    proxy.inject({ kind: 'reset', afterBytes: 0 });
    const asked = withdraw(through);
    // It was accepted, and nobody was told.
    await expect.poll(() => api.countWithdrawals()).toBe(before + 1);
    await expect.poll(() => proxy.connections()).toBeGreaterThan(1);
    proxy.inject({ kind: 'pass' });
    expect((await asked).data).toMatchObject({ status: 'PENDING' });
    expect(await api.countWithdrawals()).toBe(before + 1);
    await proxy.stop();
  });

  it('works with a session as well, and with nothing for what anyone may see', async () => {
    const session = createApiClient({ baseUrl: `http://127.0.0.1:${port}`, credentials: { accessToken: api.user.bearer.replace('Bearer ', '') } });
    expect((await session.GET('/api-keys')).data?.items).toHaveLength(1);
    expect((await createApiClient({ baseUrl: `http://127.0.0.1:${port}` }).GET('/assets')).data?.items).toHaveLength(2);
  });
});

describe('docs/api-keys.md', () => {
  it.skipIf(!HAS_TOOLS)('shows how to sign by hand: its lines, run as they stand, are accepted', async () => {
    const [, script = ''] = /```sh\n([^]+?)```/.exec(readFileSync(new URL('../../docs/api-keys.md', import.meta.url), 'utf8')) ?? [];
    expect(script).toContain('openssl dgst');
    const env = { PATH: process.env['PATH'] ?? '', api: `http://127.0.0.1:${port}`, key_id: key.keyId, secret: key.secret };
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { env });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'PENDING', amount: '12.5' });
    const { stdout: refused } = await promisify(execFile)('sh', ['-c', script], { env: { ...env, secret: `${key.secret}x` } });
    expect(JSON.parse(refused)).toMatchObject({ error: { code: 'UNAUTHENTICATED' } });
  });
});
