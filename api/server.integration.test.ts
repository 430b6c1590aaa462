import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createUser } from '../db/repositories/accounts/users.ts';
import { withdrawalRequests } from '../db/schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../tests/harness/database.ts';
import { createAccessTokens } from './auth/access-tokens.ts';
import { openSession } from './auth/open-session.ts';
import { testRedisUrl } from '../tests/harness/redis.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

interface Server {
  child: ChildProcess;
  url: string;
  output(): string;
}

let database: TestDatabase;
let jwk: JWK;
let bearer: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  jwk = await exportJWK(privateKey);
  const id = await createUser(database.db, { email: 'server@example.com', passwordHash: 'none', role: 'USER', now: new Date() });
  bearer = `Bearer ${(await openSession(database.db, await createAccessTokens(jwk), { id, role: 'USER' })).accessToken}`;
  const now = new Date();
  await database.db.insert(withdrawalRequests).values({
    requestId: 'tx-1795494000000-0123456789abcdef0123', ownerId: id, correlationId: 'order-0001', network: 'polygon-amoy', chainId: 80002, currency: 'POL', decimals: 18,
    amount: 1n, toAddress: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8', status: 'PENDING', seal: '0'.repeat(64), createdAt: now, updatedAt: now,
  });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await database.close();
});

function start(change: Record<string, string> = {}): { child: ChildProcess; output: () => string } {
  const infrastructure = inject('infrastructure');
  const env = {
    PATH: process.env['PATH'] ?? '',
    PORT: '0',
    DATABASE_URL: database.url,
    REDIS_URL: testRedisUrl(),
    TEMPORAL_ADDRESS: infrastructure.temporalAddress,
    SETTINGS_FILE: path('../docker/settings/sandbox.json'),
    SEAL_KEY: randomBytes(32).toString('base64'),
    WEBHOOK_KEY: randomBytes(32).toString('base64'),
    TEMPORAL_PAYLOAD_KEYS: `k:${randomBytes(32).toString('base64')}`,
    JWT_PRIVATE_JWK: JSON.stringify(jwk),
    ...change,
  };
  const child = spawn(process.execPath, [path('server.ts')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  return { child, output: () => text };
}

async function startListening(change: Record<string, string> = {}): Promise<Server> {
  const { child, output } = start(change);
  const address = () => /listening at (http:\/\/127\.0\.0\.1:\d+)/.exec(output())?.[1];
  await expect.poll(address, { timeout: 20_000 }).toBeDefined();
  return { child, url: address() ?? '', output };
}

describe('the server process', () => {
  it('starts without Redis and Temporal', async () => {
    const server = await startListening({ REDIS_URL: 'redis://127.0.0.1:9', TEMPORAL_ADDRESS: '127.0.0.1:9' });
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    server.child.kill('SIGTERM');
    expect(await once(server.child, 'exit')).toEqual([0, null]);
  });

  it('on SIGTERM ends open streams, closes in order and exits 0 within seconds, however many signals come', async () => {
    const server = await startListening();
    const stream = await fetch(`${server.url}/withdrawals/tx-1795494000000-0123456789abcdef0123/events`, { headers: { authorization: bearer } });
    expect(stream.status).toBe(200);
    const text = stream.text();
    const exited = once(server.child, 'exit');
    const startedAt = Date.now();
    server.child.kill('SIGTERM');
    server.child.kill('SIGINT');
    await sleep(50);
    server.child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(await text).toContain('retry:');
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    for (const line of server.output().trim().split('\n')) {
      expect(JSON.parse(line)).toMatchObject({ timestamp: expect.any(String), correlationId: expect.any(String), service: 'api-server', level: expect.any(String), message: expect.any(String) });
    }
    expect(server.output()).toContain('"clean":true');
  });

  it('says plainly what keeps it from starting', async () => {
    const server = await startListening();
    const port = new URL(server.url).port;
    const second = start({ PORT: port });
    expect(await once(second.child, 'exit')).toEqual([1, null]);
    expect(second.output()).toContain(`Port ${port} is taken`);
    const unset = start({ SEAL_KEY: '' });
    expect(await once(unset.child, 'exit')).toEqual([1, null]);
    expect(unset.output().trim()).toBe('api-server cannot start: SEAL_KEY is not set: give 32 random bytes in base64.');
  });
});
