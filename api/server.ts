import { openDatabase } from '../db/client.ts';
import { crashPointFrom } from '../db/crash-point.ts';
import { createLogger } from '../db/observability/logger.ts';
import { buildApp } from './app.ts';
import { apiConfigFrom } from './config.ts';
import { openRedis } from '../db/redis.ts';
import { closeOnSignal } from './shutdown.ts';
import { openTemporal } from './temporal.ts';

const DATABASE_CONNECTIONS_MAX = 20;

async function main(): Promise<void> {
  const config = apiConfigFrom(process.env);
  const logger = createLogger({ service: 'api-server', level: config.logLevel });
  const database = openDatabase(config.databaseUrl, { connectionsMax: DATABASE_CONNECTIONS_MAX });
  const redis = openRedis(config.redisUrl, logger);
  const temporal = openTemporal(config.temporal);
  const app = await buildApp({
    database: database.db,
    redis,
    temporal: temporal.client,
    settings: config.settings,
    sealKey: config.sealKey,
    signingJwk: config.signingJwk,
    logger,
    crashPoint: crashPointFrom(process.env),
  });
  closeOnSignal(logger, [
    ['http', () => app.close()],
    ['temporal', () => temporal.close()],
    ['redis', async () => redis.disconnect()],
    ['database', () => database.close()],
  ]);
  await app.listen({ host: config.host, port: config.port });
}

try {
  await main();
} catch (error) {
  const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  console.error(taken ? `Port ${process.env['PORT'] ?? '3000'} is taken: stop what uses it, or set PORT to another one.` : `api-server cannot start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
