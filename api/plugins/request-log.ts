import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

/** What our own ids look like: a request, a row, an address. */
const ID = /^(tx-[0-9]{1,16}-[0-9a-f]{1,40}|[0-9]{1,15}|0x[0-9a-fA-F]{40})$/;

/** One line a request, without query, headers or body: none of those is needed to follow it, and any may hold a secret. */
export const requestLogPlugin = fp(
  async (app: FastifyInstance) => {
    app.addHook('onResponse', async (request, reply) => {
      const line = { method: request.method, path: pathOf(request), statusCode: reply.statusCode, durationMs: Math.round(reply.elapsedTime), accountId: request.account?.id };
      if (request.routeOptions.config.quiet === true && reply.statusCode < 500) request.log.debug(line, 'request completed');
      else request.log.info(line, 'request completed');
    });
  },
  { name: 'request-log' },
);

/** The route's own path with the ids in it; any other word may be a secret that somebody put at the wrong place. */
function pathOf({ routeOptions, params }: FastifyRequest): string | undefined {
  const values = params as Record<string, string>;
  return routeOptions.url?.replaceAll(/:(\w+)/g, (parameter, name: string) => (ID.test(values[name] ?? '') ? (values[name] ?? '') : parameter));
}
