import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Client } from '@temporalio/client';
import type { Database } from '../../../db/client.ts';
import type { Settings } from '../../../domain/settings.ts';
import { ADMINS } from '../../access.ts';
import { retryDeadLetter } from '../../dead-letters/retry.ts';
import { withdrawalState } from '../../audit/states.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { TransactionIdParams, WithdrawalSchema } from '../../schemas/withdrawal.ts';
import { oneWithdrawalView } from '../../withdrawals/page-view.ts';
import { viewContextOf } from '../../withdrawals/view-context.ts';

/** `POST /admin/transactions/:id/retry`: takes a parked withdrawal up again. A retry never pays twice. */
export const retryTransaction: FastifyPluginAsyncTypebox<{ database: Database; temporal: Client; settings: Settings }> = async (app, deps) => {
  app.post(
    '/admin/transactions/:id/retry',
    {
      schema: {
        tags: ['admin'],
        summary: 'Retry a parked withdrawal',
        description:
          'Takes it up again where it stands: a nonce whose bytes are out is settled on the chain first, and only then may another pay. Also starts its workflow if that was terminated. Called again it counts once. 409 says why not; 503: Temporal is away, nothing was lost, call again.',
        security: [{ bearer: [] }],
        params: TransactionIdParams,
        response: { 202: WithdrawalSchema, ...errorResponses(404, 409) },
      },
      config: { access: { who: ADMINS, audit: 'withdrawal.retry' } },
    },
    async (request, reply) => {
      const requestId = request.params.id;
      const { id: accountId } = accountOf(request);
      const row = await retryDeadLetter(deps, requestId, accountId);
      request.audit.before(withdrawalState(row));
      request.log.info({ accountId, requestId, code: row.errorCode }, 'retry requested');
      return reply.code(202).send(await oneWithdrawalView(deps.database, row, viewContextOf(request, deps.settings)));
    },
  );
};
