import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../db/client.ts';
import type { Settings } from '../../domain/settings.ts';
import { CLIENTS } from '../access.ts';
import { errorResponses } from '../schemas/error.ts';
import { RequestIdParams, WithdrawalDetailSchema } from '../schemas/withdrawal.ts';
import { readDetail } from '../withdrawals/detail.ts';

/** `GET /withdrawals/:requestId`: one withdrawal with its approvals, attempts and timeline. Another's is as absent as none. */
export const getWithdrawal: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, { database, settings }) => {
  app.get(
    '/withdrawals/:requestId',
    {
      schema: {
        tags: ['withdrawals'],
        summary: 'One withdrawal with its approvals, attempts and timeline',
        security: [{ bearer: [] }],
        params: RequestIdParams,
        response: { 200: WithdrawalDetailSchema, ...errorResponses(404) },
      },
      config: { access: { who: CLIENTS, scope: 'withdrawals:read' } },
    },
    (request) => readDetail(database, request, request.params.requestId, settings),
  );
};
