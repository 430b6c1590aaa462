import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';

/** `GET /health`: the process answers. Asks nobody else, so that a database's outage restarts no healthy process. */
export const health: FastifyPluginAsyncTypebox = async (app) => {
  const response = { 200: Type.Object({ status: Type.Literal('ok') }, { examples: [{ status: 'ok' }] }) };
  app.get('/health', { schema: { tags: ['operations'], summary: 'Whether the process answers', response }, config: { access: { who: 'anyone', limit: 'none' }, quiet: true } }, async () => ({ status: 'ok' as const }));
};
