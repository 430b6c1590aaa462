import { randomBytes } from 'node:crypto';
import type { LightMyRequestResponse } from 'fastify';
import { exportJWK, generateKeyPair } from 'jose';
import { createAccessTokens } from '../../api/auth/access-tokens.ts';
import { buildApp } from '../../api/app.ts';
import { createLogger } from '../../db/observability/logger.ts';
import { createUser } from '../../db/repositories/users.ts';
import type { TestEngine } from './engine.ts';

export interface Operator {
  get(url: string): Promise<LightMyRequestResponse>;
  /** with an idempotency key of its own */
  post(url: string, body: object): Promise<LightMyRequestResponse>;
  close(): Promise<void>;
}

/** An ADMIN who calls the API of a whole engine: the same database, Redis and Temporal. */
export async function startOperator(engine: TestEngine): Promise<Operator> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const signingJwk = await exportJWK(privateKey);
  const { db } = engine.database;
  const id = await createUser(db, { email: `${randomBytes(6).toString('hex')}@example.com`, passwordHash: 'none', role: 'ADMIN', now: new Date() });
  const authorization = `Bearer ${await (await createAccessTokens(signingJwk)).issue({ id, role: 'ADMIN' })}`;
  const logger = createLogger({ service: 'test-api', level: 'ERROR' });
  const books = { assertOpen: async () => undefined };
  const app = await buildApp({ database: db, redis: engine.redis, temporal: engine.client, books, settings: engine.settings, sealKey: engine.sealKey, webhookKey: engine.ports.webhookKey, signingJwk, logger, crashPoint: () => undefined });
  return {
    get: (url) => app.inject({ url, headers: { authorization } }),
    post: (url, body) => app.inject({ method: 'POST', url, headers: { authorization, 'idempotency-key': randomBytes(8).toString('hex') }, payload: body }),
    close: () => app.close(),
  };
}
