import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { EngineError } from '../../domain/errors.ts';
import { ACCESS_TOKEN_SECONDS } from '../auth/access-tokens.ts';
import type { HttpLimits } from '../http-limits.ts';

/** A stream ends by itself when the session behind it does; this only ends one that does not. */
const STREAM_TIMEOUT_MS = (ACCESS_TOKEN_SECONDS + 60) * 1_000;

/** Bounds the request target, and how long any route may take to answer. */
export const requestLimitsPlugin = fp(
  async (app: FastifyInstance, limits: HttpLimits) => {
    app.addHook('onRequest', async ({ raw: { url = '' } }) => {
      if (url.length > limits.urlBytesMax) throw new EngineError('URI_TOO_LONG');
    });
    // After who asks, like everything else that is wrong with a request.
    app.addHook('preValidation', async ({ raw: { url = '' } }) => {
      const query = url.indexOf('?');
      if (query !== -1 && url.slice(query).split('&', limits.queryParametersMax + 1).length > limits.queryParametersMax) throw new EngineError('VALIDATION_FAILED', { field: 'querystring', reason: 'too-many' });
    });
    app.addHook('onRoute', (route) => {
      route.handlerTimeout ??= route.config?.streaming === true ? STREAM_TIMEOUT_MS : limits.handlerTimeoutMs;
    });
    app.server.maxConnections = limits.connectionsMax;
  },
  { name: 'request-limits' },
);
