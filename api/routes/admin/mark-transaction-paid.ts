import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Client } from '@temporalio/client';
import type { Database } from '../../../db/client.ts';
import { findWithdrawal } from '../../../db/repositories/withdrawals/read-withdrawals.ts';
import { whyNot } from '../../../domain/dead-letters.ts';
import { EngineError } from '../../../domain/errors.ts';
import type { Settings } from '../../../domain/settings.ts';
import { ADMINS } from '../../access.ts';
import { MARK_PAID_SIGNAL } from '../../../workflows/message-names.ts';
import { withdrawalState } from '../../audit/states.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { MarkPaidBodySchema } from '../../schemas/dead-letter.ts';
import { errorResponses } from '../../schemas/error.ts';
import { TransactionIdParams, WithdrawalSchema } from '../../schemas/withdrawal.ts';
import { oneWithdrawalView } from '../../withdrawals/page-view.ts';
import { tellWorkflow } from '../../withdrawals/tell-workflow.ts';
import { viewContextOf } from '../../withdrawals/view-context.ts';

/** `POST /admin/transactions/:id/mark-paid`: says that a person paid. Believed only if the chain shows exactly that payment. */
export const markTransactionPaid: FastifyPluginAsyncTypebox<{ database: Database; temporal: Client; settings: Settings }> = async (app, deps) => {
  app.post(
    '/admin/transactions/:id/mark-paid',
    {
      schema: {
        tags: ['admin'],
        summary: 'Say that a withdrawal was paid by hand',
        description:
          'From then on nothing of ours is signed for it; our own nonce is consumed without paying first. It ends as COMPLETED once the chain finally shows a payment of exactly the amount, or of exactly what a short payment left open, to the recipient; otherwise it stays parked and its timeline says why. 409 once it has ended; 503: Temporal is away, nothing was lost, call again.',
        security: [{ bearer: [] }],
        params: TransactionIdParams,
        body: MarkPaidBodySchema,
        response: { 202: WithdrawalSchema, ...errorResponses(404, 409) },
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'withdrawal.mark-paid' } },
    },
    async (request, reply) => {
      const requestId = request.params.id;
      const { id: accountId } = accountOf(request);
      const txHash = request.body.txHash.toLowerCase();
      const row = await findWithdrawal(deps.database, requestId, 'all');
      if (!row) throw new EngineError('NOT_FOUND', { requestId });
      request.audit.before(withdrawalState(row));
      const reason = whyNot('mark-paid', row);
      if (reason !== null) throw new EngineError('INVALID_STATE', { reason, status: row.status });
      await tellWorkflow(deps, requestId, { name: MARK_PAID_SIGNAL, args: [txHash] });
      request.audit.after({ ...withdrawalState(row), saidToBePaidBy: txHash });
      request.log.info({ accountId, requestId, txHash }, 'said to be paid by hand');
      return reply.code(202).send(await oneWithdrawalView(deps.database, row, viewContextOf(request, deps.settings)));
    },
  );
};
