import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { EngineError } from '../../domain/errors.ts';
import { jsonDepth } from '../json-depth.ts';

/**
 * JSON bodies only, and none that would change what objects are (`__proto__`, `constructor.prototype`). An empty one counts
 * as none: many clients announce JSON on a POST that has nothing to say.
 */
export const bodiesPlugin = fp(
  async (app: FastifyInstance, options: { jsonDepthMax: number }) => {
    const parseJson = app.getDefaultJsonParser('error', 'error');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
      if (body === '') done(null, undefined);
      else if (jsonDepth(body) > options.jsonDepthMax) done(new EngineError('VALIDATION_FAILED', { field: 'body', reason: 'too-deep' }));
      else void parseJson(request, body, done);
    });
  },
  { name: 'bodies' },
);
