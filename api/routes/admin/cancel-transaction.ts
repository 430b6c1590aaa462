import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import type { Settings } from '../../../domain/settings.ts';
import { ADMINS } from '../../access.ts';
import { readWithdrawalState, withdrawalState } from '../../audit/states.ts';
import { errorResponses } from '../../schemas/error.ts';
import { TransactionIdParams, WithdrawalDetailSchema } from '../../schemas/withdrawal.ts';
import { cancel } from '../../withdrawals/cancel.ts';
import { readDetail } from '../../withdrawals/detail.ts';
import type { WorkflowStarter } from '../../withdrawals/starter.ts';

/** `POST /admin/transactions/:id/cancel`: the owner's cancellation, asked for by an ADMIN. */
export const cancelTransaction: FastifyPluginAsyncTypebox<{ database: Database; starter: WorkflowStarter; settings: Settings }> = async (app, { database, starter, settings }) => {
  app.post(
    '/admin/transactions/:id/cancel',
    {
      schema: {
        tags: ['admin'],
        summary: 'Cancel a withdrawal',
        description: 'Before signing it ends at once. After signing the chain decides: a transaction that pays nothing competes for the same nonce. `cancellation` says what came of it. 409 once the payment was seen in a block.',
        security: [{ bearer: [] }],
        params: TransactionIdParams,
        response: { 202: WithdrawalDetailSchema, ...errorResponses(404, 409) },
      },
      config: { access: { who: ADMINS, audit: 'withdrawal.cancel' } },
    },
    async (request, reply) => {
      const { id } = request.params;
      request.audit.before(await readWithdrawalState(database, id));
      request.audit.after(withdrawalState(await cancel({ database, starter }, request, id)));
      return reply.code(202).send(await readDetail(database, request, id, settings));
    },
  );
};
