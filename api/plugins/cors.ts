import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { CORRELATION_HEADER } from '../correlation.ts';

/** For the preflight to be asked once in ten minutes, and a page that was taken off the list to be gone as soon. */
const PREFLIGHT_SECONDS = 600;

/**
 * Lets the pages of the listed origins call the API from a browser (Fetch standard, CORS protocol); without any, nothing is
 * said of CORS at all. Exact origins only, and no credentials of the browser's own: a token is sent by the page itself.
 */
export const corsPlugin = fp(
  async (app: FastifyInstance, options: { origins: readonly string[] }) => {
    if (options.origins.length === 0) return;
    await app.register(cors, {
      origin: [...options.origins],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'last-event-id', CORRELATION_HEADER],
      exposedHeaders: [CORRELATION_HEADER, 'retry-after', 'ratelimit', 'ratelimit-policy', 'www-authenticate'],
      maxAge: PREFLIGHT_SECONDS,
      // An OPTIONS that is no preflight is answered like any other path that does not exist.
      strictPreflight: false,
    });
  },
  { name: 'cors' },
);
