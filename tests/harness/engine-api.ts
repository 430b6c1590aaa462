import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import type { LightMyRequestResponse } from 'fastify';
import { exportJWK, generateKeyPair } from 'jose';
import { buildApp } from '../../api/app.ts';
import { createAccessTokens } from '../../api/auth/access-tokens.ts';
import { openTemporal } from '../../api/temporal.ts';
import { createLogger } from '../../db/observability/logger.ts';
import { createUser } from '../../db/repositories/users.ts';
import type { TestEngine } from './engine.ts';

/** The API beside an engine's workers, for one ADMIN. */
export interface EngineApi {
  adminId: number;
  get(url: string, language?: string): Promise<LightMyRequestResponse>;
  post(url: string, body?: object, language?: string): Promise<LightMyRequestResponse>;
  /** every log line so far */
  logText(): string;
  close(): Promise<void>;
}

/** The API on the engine's database, Redis and Temporal; or, with an address of its own, on a Temporal that may be away. */
export async function startEngineApi(engine: TestEngine, options: { temporalAddress?: string } = {}): Promise<EngineApi> {
  const { db } = engine.database;
  const temporal = openTemporal({ ...engine.temporal, ...(options.temporalAddress !== undefined && { address: options.temporalAddress }) });
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const signingJwk = await exportJWK(privateKey);
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'));
      done();
    },
  });
  const app = await buildApp({
    database: db,
    redis: engine.redis,
    temporal: temporal.client,
    books: { assertOpen: async () => undefined },
    settings: { ...engine.settings, rateLimits: { requestsPerSecond: 100_000, signInPerMinute: 100_000 } },
    sealKey: engine.sealKey,
    webhookKey: engine.ports.webhookKey,
    signingJwk,
    logger: createLogger({ service: 'api-server', level: 'INFO' }, destination),
    crashPoint: () => undefined,
  });
  const adminId = await createUser(db, { email: `admin-${randomBytes(4).toString('hex')}@example.com`, passwordHash: 'nobody signs in with it', role: 'ADMIN', now: new Date() });
  const authorization = `Bearer ${await (await createAccessTokens(signingJwk)).issue({ id: adminId, role: 'ADMIN' })}`;
  return {
    adminId,
    get: (url, language = 'en') => app.inject({ method: 'GET', url, headers: { authorization, 'accept-language': language } }),
    post: (url, body, language = 'en') => app.inject({ method: 'POST', url, headers: { authorization, 'accept-language': language }, ...(body && { payload: body }) }),
    logText: () => lines.join(''),
    async close() {
      await app.close();
      await temporal.close();
    },
  };
}
