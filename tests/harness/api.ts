import type { FastifyInstance } from 'fastify';
import { exportJWK, generateKeyPair } from 'jose';
import { buildApp } from '../../api/app.ts';
import { createAccessTokens } from '../../api/auth/access-tokens.ts';
import { createLogger } from '../../db/observability/logger.ts';
import { createUser } from '../../db/repositories/users.ts';
import type { Role } from '../../domain/status.ts';
import type { TestEngine } from './engine.ts';

export type By = 'ADMIN' | 'USER';

/** The API in front of a whole engine, with an account of each role. */
export interface EngineApi {
  app: FastifyInstance;
  /** the answer's body; throws for anything but a success */
  get(url: string, by: By): Promise<Record<string, unknown>>;
  post(url: string, by: By, payload: object, headers?: Record<string, string>): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export async function startEngineApi({ database, redis, client, settings, sealKey, ports }: TestEngine): Promise<EngineApi> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const signingJwk = await exportJWK(privateKey);
  const logger = createLogger({ service: 'api-server', level: 'ERROR' });
  const app = await buildApp({ database: database.db, redis, temporal: client, books: { assertOpen: async () => undefined }, settings, sealKey, webhookKey: ports.webhookKey, signingJwk, logger, crashPoint: () => undefined });
  const tokens = await createAccessTokens(signingJwk);
  const bearerOf = async (role: Role) => `Bearer ${await tokens.issue({ id: await createUser(database.db, { email: `${role}@example.com`, passwordHash: 'none', role, now: new Date() }), role })}`;
  const bearers = { ADMIN: await bearerOf('ADMIN'), USER: await bearerOf('USER') };
  const call = async (method: 'GET' | 'POST', url: string, by: By, rest: { payload?: object; headers?: Record<string, string> }) => {
    const response = await app.inject({ method, url, headers: { ...rest.headers, authorization: bearers[by] }, ...(rest.payload && { payload: rest.payload }) });
    if (response.statusCode >= 300) throw new Error(`${method} ${url}: ${response.statusCode} ${response.body}`);
    return response.json<Record<string, unknown>>();
  };
  return {
    app,
    get: (url, by) => call('GET', url, by, {}),
    post: (url, by, payload, headers = {}) => call('POST', url, by, { payload, headers }),
    close: () => app.close(),
  };
}
