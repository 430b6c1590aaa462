import { exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT, createLocalJWKSet, type JSONWebKeySet, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../db/observability/logger.ts';
import { OPEN_BOOKS, startTestApi, type TestApi } from '../api.testkit.ts';
import { buildApp } from '../app.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

async function newJwk(): Promise<JWK> {
  return exportJWK((await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })).privateKey);
}

/** The API as it starts after its key was exchanged. */
async function restartedWith(signingJwk: JWK, previousJwks: readonly JWK[]) {
  const { database, redis, temporal, settings, sealKey, webhookKey } = api;
  return buildApp({ database: database.db, redis, temporal, books: OPEN_BOOKS, settings, sealKey, webhookKey, signingJwk, previousJwks, logger: createLogger({ service: 'api-server', level: 'ERROR' }), crashPoint: () => undefined });
}

describe('GET /.well-known/jwks.json', () => {
  it('lists the public keys, the signing one first, as caches and other programs read them', async () => {
    const [next, older] = [await newJwk(), await newJwk()];
    const app = await restartedWith(next, [api.signingJwk, older, older]);
    const response = await app.inject('/.well-known/jwks.json');
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toContain('application/jwk-set+json');
    expect(response.headers['cache-control']).toBe('public, max-age=300');
    const { keys } = response.json<{ keys: JWK[] }>();
    expect(keys.map(({ x }) => x)).toEqual([next.x, api.signingJwk.x, older.x]);
    for (const key of keys) expect(key).toEqual({ kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: expect.any(String), alg: 'EdDSA', use: 'sig' });
    for (const { d = '' } of [next, api.signingJwk, older]) expect(response.body).not.toContain(d);
    const { payload } = await jwtVerify(api.user.bearer.slice('Bearer '.length), createLocalJWKSet(response.json<JSONWebKeySet>()));
    expect(payload.sub).toBe(String(api.user.id));
    await app.close();
  });
});

describe('a key that is exchanged', () => {
  it('leaves the tokens of the one before valid, and signs new ones by the new', async () => {
    const next = await newJwk();
    const app = await restartedWith(next, [api.signingJwk]);
    const statusOf = async (authorization: string) => (await app.inject({ url: '/withdrawals', headers: { authorization } })).statusCode;
    expect(await statusOf(api.user.bearer)).toBe(200);
    const signedIn = await app.inject({ method: 'POST', url: '/auth/login', payload: { email: api.user.email, password: 'correct horse battery staple' } });
    const bearer = `Bearer ${signedIn.json<{ accessToken: string }>().accessToken}`;
    expect(await statusOf(bearer)).toBe(200);
    // The process that was not restarted yet does not know the new key.
    expect((await api.app.inject({ url: '/withdrawals', headers: { authorization: bearer } })).statusCode).toBe(401);
    await app.close();
  });

  it('is refused once it is no longer named', async () => {
    const app = await restartedWith(await newJwk(), []);
    expect((await app.inject({ url: '/withdrawals', headers: { authorization: api.user.bearer } })).statusCode).toBe(401);
    await app.close();
  });

  it('opens nothing under another key’s name, or without a name', async () => {
    const [header, payload] = api.user.bearer.slice('Bearer '.length).split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, string>);
    const stranger = await newJwk();
    const sign = async (jwk: JWK, kid: string | undefined) =>
      new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', ...(kid !== undefined && { kid }) }).sign(await importJWK(jwk, 'EdDSA'));
    const statusOf = async (token: string) => (await api.app.inject({ url: '/withdrawals', headers: { authorization: `Bearer ${token}` } })).statusCode;
    expect(await statusOf(await sign(api.signingJwk, header?.['kid']))).toBe(200);
    expect(await statusOf(await sign(stranger, header?.['kid']))).toBe(401);
    expect(await statusOf(await sign(api.signingJwk, 'unknown'))).toBe(401);
    expect(await statusOf(await sign(api.signingJwk, undefined))).toBe(401);
  });
});
