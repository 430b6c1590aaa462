import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/** One line a request, without query, headers or body: none of those is needed to follow it, and any may hold a secret. */
export const requestLogPlugin = fp(
  async (app: FastifyInstance) => {
    app.addHook('onResponse', async (request, reply) => {
      const line = { method: request.method, path: request.url.split('?', 1)[0], statusCode: reply.statusCode, durationMs: Math.round(reply.elapsedTime), accountId: request.account?.id };
      if (request.routeOptions.config.quiet === true && reply.statusCode < 500) request.log.debug(line, 'request completed');
      else request.log.info(line, 'request completed');
    });
  },
  { name: 'request-log' },
);
