import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { ReadinessSchema, type Readiness } from '../schemas/readiness.ts';

/** `GET /ready`: each dependency's state. 503 only without the database: with it, withdrawals are accepted and held. */
export const ready: FastifyPluginAsyncTypebox<{ readiness: () => Promise<Readiness> }> = async (app, { readiness }) => {
  const response = { 200: ReadinessSchema, 503: ReadinessSchema };
  app.get('/ready', { schema: { tags: ['operations'], summary: "Each dependency's state", response }, config: { access: { who: 'anyone', limit: 'none' }, quiet: true } }, async (_request, reply) => {
    const state = await readiness();
    return reply.code(state.status === 'unavailable' ? 503 : 200).send(state);
  });
};
