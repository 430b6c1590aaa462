import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { Counter, Histogram, type Registry } from 'prom-client';
import { createMetricsRegistry } from '../../db/observability/metrics.ts';

declare module 'fastify' {
  interface FastifyInstance {
    metrics: { registry: Registry; withdrawalsAccepted: Counter<'currency'>; passwordHashes: Counter };
  }
  interface FastifyContextConfig {
    /** logged at DEBUG only: asked for every few seconds */
    quiet?: boolean;
    /** open as long as the client listens: its duration says nothing */
    streaming?: boolean;
  }
}

const DURATION_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10];

export const metricsPlugin = fp(
  async (app: FastifyInstance) => {
    const registry = createMetricsRegistry('api-server');
    const duration = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the request line to the last byte of the answer',
      labelNames: ['route', 'method', 'status'],
      buckets: DURATION_BUCKETS_SECONDS,
      registers: [registry],
    });
    const withdrawalsAccepted = new Counter({
      name: 'withdrawals_accepted_total',
      help: 'Withdrawals accepted, repeats not counted',
      labelNames: ['currency'],
      registers: [registry],
    });
    const passwordHashes = new Counter({ name: 'password_hashes_total', help: 'Passwords hashed, right ones and wrong ones', registers: [registry] });
    app.decorate('metrics', { registry, withdrawalsAccepted, passwordHashes });
    app.addHook('onResponse', async (request, reply) => {
      if (request.routeOptions.config.streaming === true) return;
      // The pattern, never the path: a label must not have a value for every withdrawal.
      const labels = { route: request.routeOptions.url ?? 'unknown', method: request.method, status: String(reply.statusCode) };
      duration.observe(labels, reply.elapsedTime / 1_000);
    });
  },
  { name: 'metrics' },
);
