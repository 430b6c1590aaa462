import { randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import type { FastifyInstance } from 'fastify';
import { Redis } from 'ioredis';
import { exportJWK, generateKeyPair } from 'jose';
import { buildApp } from '../../api/app.ts';
import { createAccessTokens } from '../../api/auth/access-tokens.ts';
import { openSession } from '../../api/auth/open-session.ts';
import { openTemporal } from '../../api/temporal.ts';
import type { Database } from '../../db/client.ts';
import { createLogger } from '../../db/observability/logger.ts';
import { createUser, findUserByEmail } from '../../db/repositories/accounts/users.ts';
import { users } from '../../db/schema/index.ts';
import type { Settings } from '../../domain/settings.ts';

/** Nothing listens there. */
const NOWHERE = '127.0.0.1:1';
const EMAIL = 'load-rows@example.com';

export interface MeasuredApi {
  app: FastifyInstance;
  /** of an ADMIN nobody can sign in as, who goes with the close */
  bearer: string;
  close(): Promise<void>;
}

/** The real API on the database, in this very process. It needs no Redis for limits and no Temporal to be asked what the database knows. */
export async function openMeasuredApi(database: Database, settings: Settings, temporalAddress = NOWHERE): Promise<MeasuredApi> {
  const redis = new Redis(`redis://${NOWHERE}`, { lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy: null });
  redis.on('error', () => undefined);
  // It measures reads of the database; no payload passes.
  const temporal = openTemporal({ address: temporalAddress, namespace: 'default', dataConverter: {} });
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const signingJwk = await exportJWK(privateKey);
  const books = { assertOpen: async () => undefined };
  const app = await buildApp({ database, redis, temporal: temporal.client, books, settings, sealKey: randomBytes(32), webhookKey: randomBytes(32), signingJwk, logger: createLogger({ service: 'load-rows', level: 'ERROR' }), crashPoint: () => undefined });
  const id = (await findUserByEmail(database, EMAIL))?.id ?? (await createUser(database, { email: EMAIL, passwordHash: 'none', role: 'ADMIN', now: new Date() }));
  return {
    app,
    bearer: `Bearer ${(await openSession(database, await createAccessTokens(signingJwk), { id, role: 'ADMIN' })).accessToken}`,
    async close() {
      await app.close();
      await database.delete(users).where(eq(users.id, id));
      await temporal.close();
      redis.disconnect();
    },
  };
}
