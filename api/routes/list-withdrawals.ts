import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../db/client.ts';
import { pageWithdrawals } from '../../db/repositories/withdrawals/read-withdrawals.ts';
import type { Settings } from '../../domain/settings.ts';
import { CLIENTS } from '../access.ts';
import { decodeCursor, encodeCursor } from '../pagination-cursor.ts';
import { LIST_LIMIT_DEFAULT, WithdrawalListQuery, WithdrawalListSchema } from '../schemas/withdrawal.ts';
import { withdrawalViews } from '../withdrawals/page-view.ts';
import { viewContextOf, visibilityOf } from '../withdrawals/view-context.ts';

/** `GET /withdrawals`: newest first; an owner's own, an ADMIN's all. */
export const listWithdrawals: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, { database, settings }) => {
  app.get(
    '/withdrawals',
    {
      schema: {
        tags: ['withdrawals'],
        summary: 'Withdrawals, newest first',
        security: [{ bearer: [] }],
        querystring: WithdrawalListQuery,
        response: { 200: WithdrawalListSchema },
      },
      config: { access: { who: CLIENTS, scope: 'withdrawals:read' } },
    },
    async (request) => {
      const { status, currency, cursor, limit = LIST_LIMIT_DEFAULT } = request.query;
      const after = cursor === undefined ? undefined : decodeCursor(cursor);
      const { rows, next } = await pageWithdrawals(database, { visibility: visibilityOf(request), status, currency, after, limit });
      return { items: await withdrawalViews(database, rows, viewContextOf(request, settings)), nextCursor: next && encodeCursor(next) };
    },
  );
};
