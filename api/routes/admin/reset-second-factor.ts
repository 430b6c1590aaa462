import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Database } from '../../../db/client.ts';
import { resetSecondFactor } from '../../../db/repositories/accounts/second-factors.ts';
import { EngineError } from '../../../domain/errors.ts';
import { ADMINS } from '../../access.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { SecondFactorResetSchema, UserIdParams } from '../../schemas/second-factor.ts';

/** `POST /admin/users/:id/second-factor/reset`: for a person who lost theirs. Called twice, it ends the sessions opened since. */
export const resetSecondFactorRoute: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.post(
    '/admin/users/:id/second-factor/reset',
    {
      schema: {
        tags: ['admin'],
        summary: "Reset a person's second factor",
        description: 'Ends all their sessions. They set up a new one after signing in, by the password alone: make sure first who asks. Nobody resets their own.',
        security: [{ bearer: [] }],
        params: UserIdParams,
        body: SecondFactorResetSchema,
        response: { 204: Type.Null({ description: 'They have none now, and no session' }), ...errorResponses(404, 409) },
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'second-factor.reset' } },
    },
    async (request, reply) => {
      const { id: accountId } = accountOf(request);
      const userId = Number(request.params.id);
      request.audit.target(userId, 'account');
      if (userId === accountId) throw new EngineError('INVALID_STATE', { reason: 'own-second-factor' });
      if (!(await resetSecondFactor(database, { userId, now: new Date() }))) throw new EngineError('NOT_FOUND');
      request.audit.after({ enrolled: false, reason: request.body.reason });
      request.log.warn({ accountId, userId, reason: request.body.reason }, 'the second factor of an account was reset');
      return reply.code(204).send(null);
    },
  );
};
