import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

const SWEEP_MS = 50;

/**
 * While closing, ends each connection as soon as its last answer is out. The server itself looks for idle ones only once,
 * and a client that keeps its connection alive would hold the process for as long as it likes.
 */
export const closingPlugin = fp(
  async (app: FastifyInstance) => {
    let sweep: NodeJS.Timeout | undefined;
    app.addHook('preClose', async () => {
      sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
    });
    app.addHook('onClose', async () => clearInterval(sweep));
  },
  { name: 'closing' },
);
