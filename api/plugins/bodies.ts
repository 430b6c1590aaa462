import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { EngineError } from '../../domain/errors.ts';
import { jsonShape, membersOf } from '../json-shape.ts';

const IDENTITY = new Set([undefined, 'identity']);

/**
 * JSON bodies only, and none that would change what objects are (`__proto__`, `constructor.prototype`) or that says a name twice
 * (RFC 7493, 2.3): whoever looked at the body on its way here may have read the other amount. An empty one counts as none: many
 * clients announce JSON on a POST that has nothing to say.
 */
export const bodiesPlugin = fp(
  async (app: FastifyInstance, options: { jsonDepthMax: number }) => {
    const parseJson = app.getDefaultJsonParser('error', 'error');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
      if (body === '') return done(null, undefined);
      // Nothing is unpacked here, and bytes that call themselves packed are not read as if they were not (RFC 9110, 15.5.16).
      if (!IDENTITY.has(request.headers['content-encoding']?.toLowerCase())) return done(new EngineError('UNSUPPORTED_MEDIA_TYPE'));
      const { depth, members } = jsonShape(body);
      if (depth > options.jsonDepthMax) return done(new EngineError('VALIDATION_FAILED', { field: 'body', reason: 'too-deep' }));
      void parseJson(request, body, (error, value) => {
        if (error === null && membersOf(value) !== members) done(new EngineError('VALIDATION_FAILED', { field: 'body', reason: 'duplicate-names' }));
        else done(error, value);
      });
    });
  },
  { name: 'bodies' },
);
