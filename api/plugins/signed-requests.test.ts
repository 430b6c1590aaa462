import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../db/client.ts';
import { createApiKeySecrets, makeKeyId } from '../auth/api-key-secrets.ts';
import { signatureHeaders } from '../client/sign-request.ts';
import { signedRequestsPlugin } from './signed-requests.ts';

/** A database that says that it was asked. */
const ASKED = new Proxy({} as Database, {
  get: () => {
    throw new Error('the database was asked');
  },
});

describe('what signed nothing', () => {
  it('costs no look into the database: whether there is such a key is not even asked', async () => {
    const secrets = createApiKeySecrets(new Uint8Array(32).fill(3));
    const app = Fastify();
    await app.register(signedRequestsPlugin, { database: ASKED, secrets });
    app.get('/', { onRequest: async (request) => void (await app.bySignature(request)) }, async () => 'in');
    const ask = async (keyId: string, secret: string) => (await app.inject({ url: '/', headers: await signatureHeaders({ method: 'GET', url: 'http://api.test/' }, { keyId, secret }) })).json<{ message: string }>().message;
    const keyId = makeKeyId();
    expect(await ask(keyId, 'guessed')).toBe('UNAUTHENTICATED');
    expect(await ask(keyId, secrets.secretOf(makeKeyId()))).toBe('UNAUTHENTICATED');
    expect(await ask(keyId, secrets.secretOf(keyId))).toBe('the database was asked');
    await app.close();
  });
});
