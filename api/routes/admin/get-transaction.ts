import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { findWithdrawal, listAttemptsOfRequest, listEventsAfter } from '../../../db/repositories/read-withdrawals.ts';
import { withSigning } from '../../../db/repositories/search-withdrawals.ts';
import { EngineError } from '../../../domain/errors.ts';
import type { Settings } from '../../../domain/settings.ts';
import { AdminTransactionDetailSchema, TransactionIdParams } from '../../schemas/admin-transaction.ts';
import { errorResponses } from '../../schemas/error.ts';
import { operatorFieldsOf } from '../../withdrawals/admin-view.ts';
import { viewContextOf } from '../../withdrawals/view-context.ts';
import { withdrawalDetailView } from '../../withdrawals/view.ts';

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
        response: { 200: AdminTransactionDetailSchema, ...errorResponses(401, 403, 404) },
      },
      onRequest: [app.limits.address, app.requireAccount(['ADMIN']), app.limits.account],
    },
    async (request) => {
      const requestId = request.params.id;
      const row = await findWithdrawal(database, requestId, 'all');
      if (!row) throw new EngineError('NOT_FOUND', { requestId });
      // After the row, so that attempts and timeline are never older than the status.
      const [[signing], attempts, events] = await Promise.all([withSigning(database, [row]), listAttemptsOfRequest(database, requestId), listEventsAfter(database, requestId, 0)]);
      const found = signing ?? { row, nonce: null, attemptCount: attempts.length };
      return { ...withdrawalDetailView(row, attempts, events, viewContextOf(request, settings)), ...operatorFieldsOf(found) };
    },
  );
};
