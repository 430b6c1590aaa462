import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { EngineError } from '../../domain/errors.ts';
import { CORRELATION_HEADER } from '../correlation.ts';
import { BARE_HEADERS } from '../errors/bare-headers.ts';
import { errorAnswer } from '../errors/body.ts';
import { whyRefused } from '../errors/why-refused.ts';
import { languageOf } from '../messages/language.ts';

/** Answers any thrown value in the one error shape; logs the cause of what is our own fault. */
export function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const language = languageOf(request.headers['accept-language']);
  const { statusCode, body } = errorAnswer(thrown, language, request.id);
  if (statusCode >= 500) request.log.error({ error: thrown, code: body.error.code }, 'request failed');
  else request.log.debug({ code: body.error.code, ...whyRefused(thrown) }, 'request refused');
  for (const [name, value] of Object.entries({ ...BARE_HEADERS, vary: 'accept-language' })) if (!reply.hasHeader(name)) reply.header(name, value);
  const retryAfter = thrown instanceof EngineError ? thrown.parameters['retryAfterSeconds'] : undefined;
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  void reply
    .code(statusCode)
    .header(CORRELATION_HEADER, request.id)
    .header('content-language', language)
    // As text: the schema of the route's own answer must not be laid over it.
    .type('application/json; charset=utf-8')
    .serializer((text: string) => text)
    .send(JSON.stringify(body));
}

export const errorsPlugin = fp(
  async (app: FastifyInstance) => {
    app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
    // Whoever looks for paths is counted like any other caller. The limits stand by the time anyone calls.
    const counted = { preValidation: async (request: FastifyRequest, reply: FastifyReply) => app.limits.unknownPath(request, reply) };
    app.setNotFoundHandler(counted, (request, reply) => answerError(new EngineError('NOT_FOUND'), request, reply));
  },
  { name: 'errors', dependencies: ['correlation'] },
);
