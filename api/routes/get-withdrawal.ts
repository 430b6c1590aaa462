import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../db/client.ts';
import { findWithdrawal, listAttemptsOfRequest, listEventsAfter } from '../../db/repositories/read-withdrawals.ts';
import { EngineError } from '../../domain/errors.ts';
import type { Settings } from '../../domain/settings.ts';
import { errorResponses } from '../schemas/error.ts';
import { RequestIdParams, WithdrawalDetailSchema } from '../schemas/withdrawal.ts';
import { viewContextOf, visibilityOf } from '../withdrawals/view-context.ts';
import { withdrawalDetailView } from '../withdrawals/view.ts';

/** `GET /withdrawals/:requestId`: one withdrawal with its attempts and timeline. Another's is as absent as none. */
export const getWithdrawal: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, { database, settings }) => {
  app.get(
    '/withdrawals/:requestId',
    {
      schema: {
        tags: ['withdrawals'],
        summary: 'One withdrawal with its attempts and timeline',
        security: [{ bearer: [] }],
        params: RequestIdParams,
        response: { 200: WithdrawalDetailSchema, ...errorResponses(401, 404) },
      },
      onRequest: [app.limits.address, app.requireAccount(), app.limits.account],
    },
    async (request) => {
      const { requestId } = request.params;
      const row = await findWithdrawal(database, requestId, visibilityOf(request));
      if (!row) throw new EngineError('NOT_FOUND', { requestId });
      // After the row, so that attempts and timeline are never older than the status.
      const [attempts, events] = await Promise.all([listAttemptsOfRequest(database, requestId), listEventsAfter(database, requestId, 0)]);
      return withdrawalDetailView(row, attempts, events, viewContextOf(request, settings));
    },
  );
};
