import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { getWithdrawal } from '../../../db/repositories/withdrawals/withdrawals.ts';
import { withSigning } from '../../../db/repositories/withdrawals/search-withdrawals.ts';
import type { Settings } from '../../../domain/settings.ts';
import { READERS } from '../../access.ts';
import { AdminTransactionDetailSchema } from '../../schemas/admin-transaction.ts';
import { errorResponses } from '../../schemas/error.ts';
import { TransactionIdParams } from '../../schemas/withdrawal.ts';
import { operatorFieldsOf } from '../../withdrawals/admin-view.ts';
import { readDetail } from '../../withdrawals/detail.ts';

/** `GET /admin/transactions/:id`: one withdrawal, whosever it is, with its attempts, its timeline and what operators see. */
export const getTransaction: FastifyPluginAsyncTypebox<{ database: Database; settings: Settings }> = async (app, { database, settings }) => {
  app.get(
    '/admin/transactions/:id',
    {
      schema: {
        tags: ['admin'],
        summary: 'One withdrawal with its attempts, timeline and technical detail',
        description: 'What the owner sees, and beside it the owner, hot wallet, nonce and technical error.',
        security: [{ bearer: [] }],
        params: TransactionIdParams,
        response: { 200: AdminTransactionDetailSchema, ...errorResponses(404) },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const requestId = request.params.id;
      const detail = await readDetail(database, request, requestId, settings);
      const row = await getWithdrawal(database, requestId);
      const [signing = { row, nonce: null, attemptCount: detail.attempts.length }] = await withSigning(database, [row]);
      return { ...detail, ...operatorFieldsOf(signing) };
    },
  );
};
