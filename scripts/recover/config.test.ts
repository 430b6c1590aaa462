import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeCredentials, type Credentials } from '../sandbox/credentials.ts';
import { recoverConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'recover-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KEYS = `k:${randomBytes(32).toString('base64')}`;
const ENV = { TEMPORAL_PAYLOAD_KEYS: KEYS, DATABASE_URL: 'mysql://u@h/d', REDIS_URL: 'redis://h', TEMPORAL_ADDRESS: 'h:7233', POLYGON_RPC_URL: 'http://a, http://b' };

describe('where a recovery works', () => {
  it('is what the environment names, all of it', () => {
    expect(recoverConfig(ENV)).toMatchObject({ databaseUrl: ENV.DATABASE_URL, temporal: { address: 'h:7233', namespace: 'default' }, rpcUrls: ['http://a', 'http://b'] });
    expect(recoverConfig({ ...ENV, TEMPORAL_NAMESPACE: 'payments' }).temporal.namespace).toBe('payments');
  });

  it('is told in one line when the payload keys are missing: histories could not be read', () => {
    expect(() => recoverConfig({ ...ENV, TEMPORAL_PAYLOAD_KEYS: '' })).toThrow(/^TEMPORAL_PAYLOAD_KEYS is not set/);
  });

  it('is never a mixture of two places', () => {
    expect(() => recoverConfig({ DATABASE_URL: ENV.DATABASE_URL })).toThrow('REDIS_URL and TEMPORAL_ADDRESS and POLYGON_RPC_URL must be set too');
  });

  it('is the sandbox where nothing is named', () => {
    expect(() => recoverConfig({ SANDBOX_DIR: join(folder, 'none') })).toThrow('No sandbox here');
    writeCredentials(join(folder, 'credentials.json'), { databaseUrl: 'mysql://s', redisUrl: 'redis://s', temporalAddress: 's:1', rpcUrl: 'http://s' } as Credentials);
    expect(recoverConfig({ SANDBOX_DIR: folder })).toMatchObject({ databaseUrl: 'mysql://s', redisUrl: 'redis://s', temporal: { address: 's:1', dataConverter: { payloadCodecs: [expect.anything()] } }, rpcUrls: ['http://s'] });
  });
});
