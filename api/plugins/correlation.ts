import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { CORRELATION_HEADER } from '../correlation.ts';

/** Puts the correlation id on every response, errors and unknown routes included. */
export const correlationPlugin = fp(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', async (request, reply) => {
      reply.header(CORRELATION_HEADER, request.id);
    });
  },
  { name: 'correlation' },
);
