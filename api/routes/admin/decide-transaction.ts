import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Settings } from '../../../domain/settings.ts';
import { DECIDERS } from '../../access.ts';
import { readWithdrawalState } from '../../audit/states.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { TransactionIdParams, WithdrawalDetailSchema, WithdrawalRejectionSchema } from '../../schemas/withdrawal.ts';
import { decide, type DecideDependencies } from '../../withdrawals/decide.ts';
import { readDetail } from '../../withdrawals/detail.ts';

/**
 * `POST /admin/transactions/:id/approve` and `…/reject`: one ADMIN's word on a withdrawal that waits for approval, never the
 * requester's own. As many distinct people as the policy asks for must approve; one rejection rejects. Called again with the
 * same word, it answers with the withdrawal and writes nothing.
 */
export const decideTransaction: FastifyPluginAsyncTypebox<DecideDependencies & { settings: Settings }> = async (app, options) => {
  const { database, settings } = options;
  const common = { tags: ['admin'], security: [{ bearer: [] }], params: TransactionIdParams };
  const description = 'Counts once for each person. 409 says why it is not taken: not waiting for approval, decided already, too late, the requester, or not among the approvers. The workflow is told at once; while it cannot be reached the answer is 202 all the same, and it is told later.';

  app.post(
    '/admin/transactions/:id/approve',
    { schema: { ...common, summary: 'Approve a withdrawal', description, response: { 202: WithdrawalDetailSchema, ...errorResponses(404, 409) } }, config: { access: { who: DECIDERS, secondFactor: true, audit: 'withdrawal.approve' } } },
    async (request, reply) => {
      const { id } = request.params;
      request.audit.before(await readWithdrawalState(database, id));
      await decide(options, { requestId: id, approverId: accountOf(request).id, decision: 'APPROVE', reason: null }, request.log);
      request.audit.after({ ...(await readWithdrawalState(database, id)), decision: 'APPROVE' });
      return reply.code(202).send(await readDetail(database, request, id, settings));
    },
  );

  app.post(
    '/admin/transactions/:id/reject',
    { schema: { ...common, summary: 'Reject a withdrawal', description, body: WithdrawalRejectionSchema, response: { 202: WithdrawalDetailSchema, ...errorResponses(404, 409) } }, config: { access: { who: DECIDERS, secondFactor: true, audit: 'withdrawal.reject' } } },
    async (request, reply) => {
      const { id } = request.params;
      request.audit.before(await readWithdrawalState(database, id));
      await decide(options, { requestId: id, approverId: accountOf(request).id, decision: 'REJECT', reason: request.body.reason.trim() }, request.log);
      request.audit.after({ ...(await readWithdrawalState(database, id)), decision: 'REJECT', reason: request.body.reason.trim() });
      return reply.code(202).send(await readDetail(database, request, id, settings));
    },
  );
};
