import { Client, Connection } from '@temporalio/client';
import { openDatabase } from '../db/client.ts';
import { crashPointFrom } from '../db/crash-point.ts';
import { createLogger } from '../db/observability/logger.ts';
import { buildApp } from './app.ts';
import { apiConfigFrom } from './config.ts';
import { openRedis } from './redis.ts';
import { closeOnSignal } from './shutdown.ts';

const DATABASE_CONNECTIONS_MAX = 20;

async function main(): Promise<void> {
  const config = apiConfigFrom(process.env);
  const logger = createLogger({ service: 'api-server', level: config.logLevel });
  const database = openDatabase(config.databaseUrl, { connectionsMax: DATABASE_CONNECTIONS_MAX });
  const redis = openRedis(config.redisUrl, logger);
  // Lazily: withdrawals are accepted while Temporal is away.
  const connection = Connection.lazy({ address: config.temporal.address });
  const app = await buildApp({
    database: database.db,
    redis,
    temporal: new Client({ connection, namespace: config.temporal.namespace }),
    settings: config.settings,
    sealKey: config.sealKey,
    signingJwk: config.signingJwk,
    logger,
    crashPoint: crashPointFrom(process.env),
  });
  closeOnSignal(logger, [
    ['http', () => app.close()],
    ['temporal', () => connection.close()],
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
