import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { pageDeadLetters } from '../../../db/repositories/operations/list-dead-letters.ts';
import type { Settings } from '../../../domain/settings.ts';
import { READERS } from '../../access.ts';
import { deadLetterViews } from '../../dead-letters/view.ts';
import { decodeIdCursor, encodeIdCursor } from '../../pagination-cursor.ts';
import { DeadLetterListSchema, DeadLetterQuery } from '../../schemas/dead-letter.ts';
import { LIST_LIMIT_DEFAULT } from '../../schemas/withdrawal.ts';
import { optionalTime } from '../../times.ts';
import { viewContextOf } from '../../withdrawals/view-context.ts';

/** `GET /admin/dead-letters`: withdrawals that wait for a person, with why, what to do, and what is possible now. Newest first. */
export const deadLetterList: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, { database, settings }) => {
  app.get(
    '/admin/dead-letters',
    {
      schema: {
        tags: ['admin'],
        summary: 'Withdrawals that wait for a person',
        description: 'Each with its cause and the next step in the language of the caller, how long it has waited, what it holds, and which actions are possible now. Newest first; state=resolved shows those that were answered.',
        security: [{ bearer: [] }],
        querystring: DeadLetterQuery,
        response: { 200: DeadLetterListSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const { state = 'open', olderThanSeconds, from, to, cursor, limit = LIST_LIMIT_DEFAULT, ...equal } = request.query;
      const now = new Date();
      const before = [optionalTime('to', to), olderThanSeconds === undefined ? undefined : new Date(now.getTime() - olderThanSeconds * 1_000)].filter((time) => time !== undefined);
      const { found, next } = await pageDeadLetters(database, {
        filter: { ...equal, from: optionalTime('from', from), to: before.length === 0 ? undefined : new Date(Math.min(...before.map(Number))) },
        open: state === 'open',
        after: cursor === undefined ? undefined : decodeIdCursor(cursor),
        limit,
      });
      return { items: await deadLetterViews(database, found, viewContextOf(request, settings), now), nextCursor: next === null ? null : encodeIdCursor(next) };
    },
  );
};
