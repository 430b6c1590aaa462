import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Books } from '../books.ts';
import type { Settings } from '../../domain/settings.ts';
import { startOf } from '../../domain/withdrawal-start.ts';
import { CLIENTS } from '../access.ts';
import { accountOf } from '../plugins/authentication.ts';
import { errorResponses } from '../schemas/error.ts';
import { NewWithdrawalSchema, WithdrawalSchema } from '../schemas/withdrawal.ts';
import { accept, type AcceptDependencies } from '../withdrawals/accept.ts';
import { idempotencyKeyFrom } from '../withdrawals/idempotency-key.ts';
import type { WorkflowStarter } from '../withdrawals/starter.ts';
import { viewContextOf } from '../withdrawals/view-context.ts';
import { withdrawalView } from '../withdrawals/view.ts';

/** `POST /withdrawals`: accepts a withdrawal and answers as soon as it is committed; its workflow is started behind the answer. */
export const postWithdrawal: FastifyPluginAsyncTypebox<{ books: Books; acceptance: AcceptDependencies; starter: WorkflowStarter; settings: Settings }> = async (app, options) => {
  app.post(
    '/withdrawals',
    {
      schema: {
        tags: ['withdrawals'],
        summary: 'Request a withdrawal',
        description: 'A repeat with the same key and body gives the same withdrawal, for ever. A refused request consumes no key.',
        security: [{ bearer: [] }],
        headers: Type.Object({ 'idempotency-key': Type.String({ description: '1 to 128 visible ASCII characters, one for each payment', examples: ['order-20261124-0001'] }) }),
        body: NewWithdrawalSchema,
        response: { 202: WithdrawalSchema, ...errorResponses(409, 422) },
      },
      config: { access: { who: CLIENTS, scope: 'withdrawals:create', audit: 'withdrawal.request', auditInTransaction: true } },
      // Before the body is judged: without a key nothing else matters.
      preValidation: async (request) => {
        idempotencyKeyFrom(request.headers['idempotency-key']);
      },
    },
    async (request, reply) => {
      const account = accountOf(request);
      await options.books.assertOpen();
      const idempotencyKey = idempotencyKeyFrom(request.headers['idempotency-key']);
      const { row, isNew, keyHash, bodyHash } = await accept(options.acceptance, { ownerId: account.id, client: account.email, correlationId: request.id, idempotencyKey, body: request.body, audit: request.audit.record });
      if (isNew) {
        app.metrics.withdrawalsAccepted.inc({ currency: row.currency });
        request.log.info({ requestId: row.requestId, currency: row.currency }, 'withdrawal accepted');
        options.starter.start(startOf({ ...row, keyHash, bodyHash }), request.log);
      }
      return reply.code(202).send(withdrawalView(row, viewContextOf(request, options.settings)));
    },
  );
};
