import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sandboxConfig } from './config.ts';
import { connectionsOf, custodyEnv } from './connections.ts';

const folder = mkdtempSync(join(tmpdir(), 'connections-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The region that processes with key access are given, where the secret store is the starter's own. */
function regionWith(env: Record<string, string>): string | undefined {
  const config = sandboxConfig({ SANDBOX_DIR: folder, ...env });
  const embedded = { databaseUrl: 'mysql://h/d', redisUrl: 'redis://h', temporalAddress: 'h:1', rpcUrl: 'http://h:3' };
  return custodyEnv(config, connectionsOf(config, embedded))['AWS_REGION'];
}

describe('a secret store of the starter\'s own', () => {
  it.each([
    [{ AWS_REGION: 'ap-northeast-2', AWS_DEFAULT_REGION: 'eu-west-1' }, 'ap-northeast-2'],
    [{ AWS_ENDPOINT_URL: 'http://h:4', AWS_DEFAULT_REGION: 'eu-west-1' }, 'eu-west-1'],
    [{ AWS_ENDPOINT_URL: 'http://h:4' }, 'us-east-1'],
    [{ AWS_ENDPOINT_URL: 'http://h:4', AWS_REGION: '' }, 'us-east-1'],
    // The profile says it.
    [{ AWS_ENDPOINT_URL: 'http://h:4', AWS_PROFILE: 'payments' }, undefined],
  ])('with %j is asked in region %s', (env, region) => {
    expect(regionWith(env)).toBe(region);
  });
});
