import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { EngineError } from '../../domain/errors.ts';

/**
 * What Node would answer by itself, with a status line and nothing else, is answered like everything: a request without `Host`
 * (RFC 9112, 3.2) with 400 in the one error shape, and one with an expectation that nobody knows as if it had none (RFC 9110,
 * 10.1.1 leaves that open).
 */
export const bareRequestsPlugin = fp(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', async ({ raw }) => {
      if (raw.httpVersion === '1.1' && raw.headers.host === undefined) throw new EngineError('VALIDATION_FAILED', { field: 'Host', reason: 'required' });
    });
    app.server.on('checkExpectation', (request, response) => void app.server.emit('request', request, response));
  },
  { name: 'bare-requests', dependencies: ['correlation'] },
);
