import { createServer, type Server } from 'node:http';
import { Runtime, Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { Registry } from 'prom-client';
import { createLogger, type Logger } from '../db/observability/logger.ts';
import { createMetricsRegistry } from '../db/observability/metrics.ts';
import { connected } from '../db/redis.ts';
import { plainPayloadsWarning } from '../temporal-config/data-converter.ts';
import { connectWorkerTo } from '../temporal-config/native-connection.ts';
import { workerConfigFrom, type WorkerConfig } from './config.ts';
import { openPorts, type Ports } from './ports.ts';

export type RoleWorker = Omit<WorkerOptions, 'connection' | 'namespace' | 'dataConverter'>;

/** What a role adds to the common process: its queue and activities, and what else it starts and stops. */
export interface Role {
  worker: RoleWorker;
  /** beside it in the same process, for queues whose work must not wait for one another */
  otherWorkers?: readonly RoleWorker[];
  /** runs beside the worker until the signal aborts */
  background?: (signal: AbortSignal) => Promise<void>;
}

export interface RoleContext {
  config: WorkerConfig;
  ports: Ports;
  connection: NativeConnection;
  registry: Registry;
}

/** Activities get this long to finish before a stopping worker gives their tasks back. */
const SHUTDOWN_GRACE = '8 seconds';

/**
 * Runs one worker role until SIGTERM or SIGINT, then drains it. Resolves to the exit code. A dependency that is away at
 * start ends the process with one line; the supervisor tries again.
 */
export async function runWorker(service: string, wire: (context: RoleContext) => Promise<Role>, env: NodeJS.ProcessEnv = process.env): Promise<number> {
  let config: WorkerConfig;
  try {
    config = workerConfigFrom(env);
  } catch (error) {
    console.error(`${service} cannot start: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
  const log = createLogger({ service, level: config.logLevel });
  const runtime = installRuntime(log);
  const warning = plainPayloadsWarning(config.temporal.dataConverter);
  if (warning !== null) log.warn({}, warning);
  const registry = createMetricsRegistry(service);
  const ports = openPorts(config, log, registry, env);
  const stopping = new AbortController();
  let metrics: Server | null = null;
  let isReady = false;
  try {
    metrics = await serveMetrics(registry, config.metrics, () => isReady);
    await connected(ports.redis);
    const connection = await connectWorkerTo(config.temporal, stopping.signal);
    const role = await wire({ config, ports, connection, registry });
    const { namespace, dataConverter } = config.temporal;
    const common = { connection, namespace, dataConverter, shutdownGraceTime: SHUTDOWN_GRACE, identity: `${service}@${process.pid}` };
    const workers = await Promise.all([role.worker, ...(role.otherWorkers ?? [])].map((options) => Worker.create({ ...options, ...common })));
    isReady = true;
    log.info({ taskQueue: workers.map((worker) => worker.options.taskQueue).join(', ') }, 'ready');
    await Promise.all([runTogether(workers).finally(() => stopping.abort()), role.background?.(stopping.signal)]);
    await connection.close();
    log.info({}, 'stopped');
    return 0;
  } catch (error) {
    log.error({ error }, 'cannot go on');
    return 1;
  } finally {
    stopping.abort();
    metrics?.close();
    await ports.close();
    // Where nothing of it was closed before, its log stream would keep a process alive that does no work any more.
    await runtime.shutdown();
  }
}

/** Runs workers until all have drained: when one ends or fails, the others are told to. Throws the first failure. */
async function runTogether(workers: readonly Worker[]): Promise<void> {
  const results = await Promise.allSettled(
    workers.map(async (worker) => {
      try {
        await worker.run();
      } finally {
        for (const other of workers) if (other.getState() === 'RUNNING') other.shutdown();
      }
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Temporal's own log lines go through ours, those of its native part too; its runtime turns SIGTERM and SIGINT into a drained shutdown. */
function installRuntime(log: Logger): Runtime {
  const write = { TRACE: 'debug', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
  const at = (level: keyof typeof write, message: string, meta?: Record<string, unknown>) => log[isExpected(message) ? 'debug' : write[level]](meta ?? {}, message);
  return Runtime.install({
    logger: {
      log: (level, message, meta) => at(level, message, meta),
      trace: (message, meta) => at('TRACE', message, meta),
      debug: (message, meta) => at('DEBUG', message, meta),
      info: (message, meta) => at('INFO', message, meta),
      warn: (message, meta) => at('WARN', message, meta),
      error: (message, meta) => at('ERROR', message, meta),
    },
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
    shutdownSignals: ['SIGTERM', 'SIGINT'],
  });
}

/** Three of the four roles serve activities only, by design; the runtime warns of it at every start. */
function isExpected(message: string): boolean {
  return message.startsWith('No workflows registered');
}

/** `/metrics` from the first moment on; `/health` is 200 once the role takes tasks, 503 before. */
async function serveMetrics(registry: Registry, address: { host: string; port: number }, isReady: () => boolean): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/health') {
      response.writeHead(isReady() ? 200 : 503).end();
      return;
    }
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  });
  return server;
}
