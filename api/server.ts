import { openDatabase } from '../db/client.ts';
import { crashPointFrom } from '../db/crash-point.ts';
import { createLogger } from '../db/observability/logger.ts';
import { buildApp } from './app.ts';
import { watchBooks } from './books.ts';
import { apiConfigFrom } from './config.ts';
import { connected, openRedis } from '../db/redis.ts';
import { closeOnSignal } from './shutdown.ts';
import { plainPayloadsWarning } from '../temporal-config/data-converter.ts';
import { openTemporal } from './temporal.ts';

const DATABASE_CONNECTIONS_MAX = 20;

async function main(): Promise<void> {
  const config = apiConfigFrom(process.env);
  const logger = createLogger({ service: 'api-server', level: config.logLevel });
  const warning = plainPayloadsWarning(config.temporal.dataConverter);
  if (warning !== null) logger.warn({}, warning);
  const database = openDatabase(config.databaseUrl, { connectionsMax: DATABASE_CONNECTIONS_MAX });
  const redis = openRedis(config.redisUrl, logger);
  await connected(redis);
  const temporal = openTemporal(config.temporal);
  const books = watchBooks({ database: database.db, temporal: temporal.client, chainId: config.settings.chain.chainId, logger });
  const app = await buildApp({
    database: database.db,
    redis,
    temporal: temporal.client,
    books,
    settings: config.settings,
    sealKey: config.sealKey,
    webhookKey: config.webhookKey,
    signingJwk: config.signingJwk,
    previousJwks: config.previousJwks,
    logger,
    crashPoint: crashPointFrom(process.env),
  });
  // Before the first caller, so that a plain restart refuses nobody; without Temporal the API starts all the same.
  await books.look();
  const watching = new AbortController();
  const watched = books.watch(watching.signal);
  closeOnSignal(logger, [
    ['books', () => {
      watching.abort();
      return watched;
    }],
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
