import { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Database } from '../../db/client.ts';
import { findWithdrawal } from '../../db/repositories/withdrawals/read-withdrawals.ts';
import { EngineError } from '../../domain/errors.ts';
import { CLIENTS } from '../access.ts';
import { ACCESS_TOKEN_SECONDS } from '../auth/access-tokens.ts';
import { accountOf } from '../plugins/authentication.ts';
import { errorResponses } from '../schemas/error.ts';
import { RequestIdParams } from '../schemas/withdrawal.ts';
import { eventStream, hasNothingMore } from '../withdrawals/event-stream.ts';
import { createStreamPlaces } from '../withdrawals/stream-places.ts';
import { visibilityOf } from '../withdrawals/view-context.ts';

/** `GET /withdrawals/:requestId/events`: the timeline as server-sent events, until the withdrawal has ended. */
export const withdrawalEventStream: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  const closing = new AbortController();
  const takePlace = createStreamPlaces();
  app.addHook('preClose', async () => closing.abort());
  app.get(
    '/withdrawals/:requestId/events',
    {
      schema: {
        tags: ['withdrawals'],
        summary: 'The timeline as it grows (server-sent events)',
        description: 'Each event is a timeline entry with its id. Resumes after `Last-Event-ID`; ends after the end status, and answers 204 when nothing more will come.',
        security: [{ bearer: [] }],
        params: RequestIdParams,
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$', description: 'The id of the last event received' })) }),
        response: {
          200: { description: 'Events', content: { 'text/event-stream': { schema: Type.Unsafe<Readable>({ type: 'string' }), example: 'id: 1207\ndata: {"id":1207,"type":"accepted","status":"PENDING","detail":{},"at":"2026-11-24T04:20:00.000Z"}\n\n' } } },
          204: Type.Null({ description: 'The withdrawal has ended and every event was received' }),
          ...errorResponses(404),
        },
      },
      config: { access: { who: CLIENTS, scope: 'withdrawals:read' }, streaming: true },
    },
    async (request, reply) => {
      const { requestId } = request.params;
      if (!(await findWithdrawal(database, requestId, visibilityOf(request)))) throw new EngineError('NOT_FOUND', { requestId });
      const afterId = Number(request.headers['last-event-id'] ?? 0);
      // 204 is what tells an EventSource not to come back.
      if (afterId > 0 && (await hasNothingMore(database, requestId, afterId))) return reply.code(204).send(null);
      const giveBack = takePlace(accountOf(request).id);
      const gone = new AbortController();
      const signal = AbortSignal.any([closing.signal, gone.signal]);
      // No longer than a session lasts: whoever lost access cannot come back.
      const stream = Readable.from(eventStream(database, { requestId, afterId, durationMs: ACCESS_TOKEN_SECONDS * 1_000, signal }));
      stream.once('close', () => {
        giveBack();
        gone.abort();
      });
      reply.raw.once('close', () => gone.abort());
      return reply.header('content-type', 'text/event-stream; charset=utf-8').header('x-accel-buffering', 'no').send(stream);
    },
  );
};
