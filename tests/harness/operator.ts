import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import { createAccessTokens } from '../../api/auth/access-tokens.ts';
import { buildApp } from '../../api/app.ts';
import { createLogger } from '../../db/observability/logger.ts';
import { createUser } from '../../db/repositories/users.ts';
import type { TestEngine } from './engine.ts';

export interface Operator {
  get<T>(url: string): Promise<T>;
  /** with an idempotency key of its own */
  post<T>(url: string, body: object): Promise<{ status: number; body: T }>;
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
  const app = await buildApp({ database: db, redis: engine.redis, temporal: engine.client, books, settings: engine.settings, sealKey: engine.sealKey, signingJwk, logger, crashPoint: () => undefined });
  return {
    get: async <T>(url: string) => (await app.inject({ url, headers: { authorization } })).json<T>(),
    post: async <T>(url: string, body: object) => {
      const response = await app.inject({ method: 'POST', url, headers: { authorization, 'idempotency-key': randomBytes(8).toString('hex') }, payload: body });
      return { status: response.statusCode, body: response.json<T>() };
    },
    close: () => app.close(),
  };
}
