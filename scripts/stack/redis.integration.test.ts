import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { freePorts, startInfrastructure } from './infrastructure.ts';

it('the embedded Redis takes its address as it stands, from a program and from redis-cli', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'redis-'));
  const infrastructure = await startInfrastructure({ stateDir, ports: await freePorts(), parts: ['redis'] });
  const url = infrastructure.urls.redisUrl ?? '';
  const redis = new Redis(url);
  try {
    expect(await redis.ping()).toBe('PONG');
    expect((await promisify(execFile)('redis-cli', ['-u', url, '--no-auth-warning', 'PING'])).stdout.trim()).toBe('PONG');
  } finally {
    redis.disconnect();
    await infrastructure.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
});
