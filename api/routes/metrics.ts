import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

/** `GET /metrics`: for Prometheus. */
export const metrics: FastifyPluginAsyncTypebox = async (app) => {
  const response = { 200: { description: 'Prometheus text format', content: { 'text/plain': { schema: Type.String(), example: 'withdrawals_accepted_total{currency="USDC",service="api-server"} 12\n' } } } };
  app.get('/metrics', { schema: { tags: ['operations'], summary: 'Prometheus metrics', response }, config: { access: { who: 'anyone', limit: 'none' }, quiet: true } }, async (_request, reply) =>
    reply.type(app.metrics.registry.contentType).send(await app.metrics.registry.metrics()),
  );
};
