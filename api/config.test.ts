import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { apiConfigFrom } from './config.ts';

let env: Record<string, string>;
beforeAll(async () => {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  env = {
    DATABASE_URL: 'mysql://user:pw@127.0.0.1:3306/withdrawals',
    REDIS_URL: 'redis://127.0.0.1:6379',
    TEMPORAL_ADDRESS: '127.0.0.1:7233',
    SETTINGS_FILE: fileURLToPath(new URL('../docker/settings/sandbox.json', import.meta.url)),
    SEAL_KEY: randomBytes(32).toString('base64'),
    WEBHOOK_KEY: randomBytes(32).toString('base64'),
    TEMPORAL_PAYLOAD_KEYS: `k:${randomBytes(32).toString('base64')}`,
    JWT_PRIVATE_JWK: JSON.stringify(await exportJWK(privateKey)),
  };
});

describe('apiConfigFrom', () => {
  it('reads its own variables, with defaults', () => {
    expect(apiConfigFrom(env)).toMatchObject({ host: '127.0.0.1', port: 3000, logLevel: 'INFO', temporal: { namespace: 'default' }, settings: { chain: { chainId: 80002 } } });
    expect(apiConfigFrom({ ...env, PORT: '0', LOG_LEVEL: 'debug' })).toMatchObject({ port: 0, logLevel: 'DEBUG' });
    expect(apiConfigFrom(env).settings.api.trustedProxies).toEqual([]);
    expect(apiConfigFrom({ ...env, TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::1' }).settings.api.trustedProxies).toEqual(['10.0.0.0/8', '2001:db8::1']);
  });

  it.each([
    ['DATABASE_URL', ''], ['REDIS_URL', ''], ['TEMPORAL_ADDRESS', ''], ['SETTINGS_FILE', ''], ['SETTINGS_FILE', '/nowhere.json'], ['SEAL_KEY', ''], ['SEAL_KEY', 'c2hvcnQ='], ['SEAL_KEY', `${'A'.repeat(42)}!=`], ['WEBHOOK_KEY', ''], ['WEBHOOK_KEY', 'c2hvcnQ='],
    ['TEMPORAL_PAYLOAD_KEYS', ''], ['TEMPORAL_PAYLOAD_KEYS', 's3cret'], ['TEMPORAL_PAYLOAD_KEYS', 'k:s3cret'], ['TEMPORAL_TLS', 'yes'], ['TEMPORAL_API_KEY', 's3cret with spaces'],
    ['JWT_PRIVATE_JWK', ''], ['JWT_PRIVATE_JWK', '{s3cret'], ['JWT_PRIVATE_JWK', '{"kty":"oct","k":"s3cret"}'], ['PORT', 'x'], ['PORT', '70000'], ['PORT', '1e3'], ['TRUSTED_PROXIES', 'true'], ['TRUSTED_PROXIES', '0.0.0.0/0'], ['TRUSTED_PROXIES', '10.0.0.0/8,'], ['LOG_LEVEL', 'LOUD'],
  ])('refuses %s=%s in one line that names it and shows no secret', (name, value) => {
    expect(() => apiConfigFrom({ ...env, [name]: value })).toThrow(expect.objectContaining({ message: expect.stringMatching(new RegExp(`^${name}[^\\n]+\\.$`)) }));
    expect(() => apiConfigFrom({ ...env, [name]: value })).not.toThrow(/s3cret/);
  });
});

describe('JWT_PREVIOUS_JWKS', () => {
  it('is a list or a set of keys, of which only what is public is kept', async () => {
    const jwk = JSON.parse(env['JWT_PRIVATE_JWK'] ?? '') as { x: string; d: string };
    const { d: _private, ...publicJwk } = jwk;
    for (const value of [[jwk], { keys: [jwk] }, [publicJwk]]) expect(apiConfigFrom({ ...env, JWT_PREVIOUS_JWKS: JSON.stringify(value) }).previousJwks).toEqual([{ kty: 'OKP', crv: 'Ed25519', x: jwk.x }]);
    expect(apiConfigFrom(env).previousJwks).toEqual([]);
  });

  it.each(['{s3cret', '{}', '[{"kty":"oct","k":"s3cret"}]', '["s3cret"]', JSON.stringify(Array.from({ length: 6 }, () => ({ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) })))])('refuses %s, and shows none of it', (value) => {
    expect(() => apiConfigFrom({ ...env, JWT_PREVIOUS_JWKS: value })).toThrow(/^JWT_PREVIOUS_JWKS must be [^\n]+\.$/);
    expect(() => apiConfigFrom({ ...env, JWT_PREVIOUS_JWKS: value })).not.toThrow(/s3cret/);
  });
});
