import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/** JSON bodies only. An empty one counts as none: many clients announce JSON on a POST that has nothing to say. */
export const bodiesPlugin = fp(
  async (app: FastifyInstance) => {
    const parseJson = app.getDefaultJsonParser('error', 'error');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
      if (body === '') done(null, undefined);
      else void parseJson(request, body, done);
    });
  },
  { name: 'bodies' },
);
