import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/** JSON needs no script, frame or style; pages of this server set a policy of their own. */
export const securityHeadersPlugin = fp(
  async (app: FastifyInstance) => {
    await app.register(helmet, {
      global: true,
      contentSecurityPolicy: { useDefaults: false, directives: { 'default-src': ["'none'"], 'base-uri': ["'none'"], 'frame-ancestors': ["'none'"] } },
      frameguard: { action: 'deny' },
      // Whether TLS stands in front is the operator's to know.
      strictTransportSecurity: false,
    });
    app.addHook('onRequest', async (_request, reply) => {
      // What someone's withdrawals look like belongs in no cache on the way.
      reply.header('cache-control', 'no-store');
      // Messages are in the caller's language.
      reply.header('vary', 'accept-language');
      // None of what a browser can do is of use to a page from here.
      reply.header('permissions-policy', 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()');
    });
  },
  { name: 'security-headers' },
);
