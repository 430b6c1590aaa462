import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../db/client.ts';
import type { Settings } from '../../domain/settings.ts';
import { CLIENTS } from '../access.ts';
import { readWithdrawalState, withdrawalState } from '../audit/states.ts';
import { errorResponses } from '../schemas/error.ts';
import { RequestIdParams, WithdrawalSchema } from '../schemas/withdrawal.ts';
import { cancel } from '../withdrawals/cancel.ts';
import type { WorkflowStarter } from '../withdrawals/starter.ts';
import { viewContextOf } from '../withdrawals/view-context.ts';
import { withdrawalView } from '../withdrawals/view.ts';

/**
 * `POST /withdrawals/:requestId/cancel`: commits the intent; from then on no payment is signed. Before signing the withdrawal
 * ends at once; afterwards a transaction that pays nothing is sent on the same nonce, and the chain rules. Called again before
 * the withdrawal has ended, it answers the same.
 */
export const cancelWithdrawal: FastifyPluginAsyncTypebox<{ database: Database; starter: WorkflowStarter; settings: Settings }> = async (app, { database, starter, settings }) => {
  app.post(
    '/withdrawals/:requestId/cancel',
    {
      schema: {
        tags: ['withdrawals'],
        summary: 'Cancel a withdrawal',
        description: 'Before signing it ends at once. After signing the chain decides: a transaction that pays nothing competes for the same nonce. `cancellation` says what came of it. 409 once the payment was seen in a block.',
        security: [{ bearer: [] }],
        params: RequestIdParams,
        response: { 202: WithdrawalSchema, ...errorResponses(404, 409) },
      },
      config: { access: { who: CLIENTS, scope: 'withdrawals:cancel', audit: 'withdrawal.cancel' } },
    },
    async (request, reply) => {
      request.audit.before(await readWithdrawalState(database, request.params.requestId));
      const row = await cancel({ database, starter }, request, request.params.requestId);
      request.audit.after(withdrawalState(row));
      return reply.code(202).send(withdrawalView(row, viewContextOf(request, settings)));
    },
  );
};
