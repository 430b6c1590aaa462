import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { exportJWK, generateKeyPair } from 'jose';
import { buildApp } from '../../api/app.ts';
import { openTemporal } from '../../api/temporal.ts';
import { openDatabase } from '../../db/client.ts';
import { createLogger } from '../../db/observability/logger.ts';
import { parseSettings } from '../../domain/settings.ts';
import { PROJECT_ROOT } from '../stack/paths.ts';

const SETTINGS_FILE = join(PROJECT_ROOT, 'docker/settings/sandbox.json');

/** The API's OpenAPI document, from the routes alone: nothing is connected to, and the keys are of this call. */
export async function apiDocument(): Promise<object> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const database = openDatabase('mysql://nobody@127.0.0.1:1/none');
  const redis = new Redis({ lazyConnect: true });
  const temporal = openTemporal({ address: '127.0.0.1:1', namespace: 'none', dataConverter: {} });
  const app = await buildApp({
    database: database.db,
    redis,
    temporal: temporal.client,
    books: { assertOpen: async () => undefined },
    settings: parseSettings(readFileSync(SETTINGS_FILE, 'utf8'), SETTINGS_FILE),
    sealKey: randomBytes(32),
    webhookKey: randomBytes(32),
    signingJwk: await exportJWK(privateKey),
    logger: createLogger({ service: 'api-server', level: 'ERROR' }),
    crashPoint: () => undefined,
  });
  try {
    await app.ready();
    return app.swagger();
  } finally {
    await app.close();
    redis.disconnect();
    await Promise.all([temporal.close(), database.close()]);
  }
}
