import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { keyFrom, workerConfigFrom } from './config.ts';

const ENV = {
  DATABASE_URL: 'mysql://user:pw@127.0.0.1:3306/withdrawals',
  REDIS_URL: 'redis://127.0.0.1:6379',
  POLYGON_RPC_URL: 'http://127.0.0.1:8545, http://127.0.0.1:8546',
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
  TEMPORAL_PAYLOAD_KEYS: `k:${randomBytes(32).toString('base64')}`,
  SETTINGS_FILE: fileURLToPath(new URL('../docker/settings/sandbox.json', import.meta.url)),
  METRICS_PORT: '9464',
};

describe('workerConfigFrom', () => {
  it('reads what every role needs, with defaults', () => {
    expect(workerConfigFrom(ENV)).toMatchObject({ rpcUrls: ['http://127.0.0.1:8545', 'http://127.0.0.1:8546'], logLevel: 'INFO', metrics: { host: '127.0.0.1', port: 9464 }, settings: { chain: { chainId: 80002 } } });
    expect(workerConfigFrom({ ...ENV, LOG_LEVEL: 'debug', METRICS_PORT: '0', METRICS_HOST: '0.0.0.0' })).toMatchObject({ logLevel: 'DEBUG', metrics: { host: '0.0.0.0', port: 0 } });
  });

  it.each([
    ['DATABASE_URL', ''], ['REDIS_URL', ''], ['POLYGON_RPC_URL', ''], ['TEMPORAL_ADDRESS', ''], ['TEMPORAL_PAYLOAD_KEYS', ''], ['SETTINGS_FILE', ''],
    ['POLYGON_CHAIN_ID', '137'], ['POLYGON_CHAIN_ID', 'amoy'], ['LOG_LEVEL', 'LOUD'], ['METRICS_PORT', ''], ['METRICS_PORT', '70000'], ['METRICS_PORT', '1e3'],
  ])('refuses %s=%s in one line that names it', (name, value) => {
    expect(() => workerConfigFrom({ ...ENV, [name]: value })).toThrow(expect.objectContaining({ message: expect.stringMatching(new RegExp(`^${name}[^\\n]+\\.$`)) }));
  });
});

describe('keyFrom', () => {
  it('reads 32 bytes of base64 and refuses anything else, showing none of it', () => {
    const key = randomBytes(32);
    expect(keyFrom({ SEAL_KEY: key.toString('base64') }, 'SEAL_KEY')).toEqual(key);
    for (const text of [undefined, '', 'c2hvcnQ=', key.toString('hex')]) {
      expect(() => keyFrom({ SEAL_KEY: text }, 'SEAL_KEY')).toThrow(/^SEAL_KEY (is not set|must be 32 bytes in base64)/);
    }
  });
});
