import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, inject, it } from 'vitest';
import { testRedisUrl } from '../tests/harness/redis.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

it('ends with one line where its database is away, though Temporal answers: the supervisor can only start again what has ended', { timeout: 60_000 }, async () => {
  const env = {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: 'mysql://user:none@127.0.0.1:1/withdrawals',
    REDIS_URL: testRedisUrl(),
    POLYGON_RPC_URL: 'http://127.0.0.1:1',
    TEMPORAL_ADDRESS: inject('infrastructure').temporalAddress,
    TEMPORAL_PAYLOAD_KEYS: `k:${randomBytes(32).toString('base64')}`,
    SETTINGS_FILE: path('../docker/settings/sandbox.json'),
    WEBHOOK_KEY: randomBytes(32).toString('base64'),
    METRICS_PORT: '0',
  };
  const child = spawn(process.execPath, [path('withdrawal-worker.ts')], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 45_000, killSignal: 'SIGKILL' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  expect(output).toContain('cannot go on');
  expect({ code, signal }).toEqual({ code: 1, signal: null });
});
