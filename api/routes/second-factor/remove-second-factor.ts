import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { removeSecondFactor } from '../../../db/repositories/accounts/second-factors.ts';
import { ANY_ROLE } from '../../access.ts';
import { errorResponses } from '../../schemas/error.ts';
import { SecondFactorRemovalSchema } from '../../schemas/second-factor.ts';
import { assertPassword } from '../../second-factor/assert-password.ts';
import { ownSession } from '../../second-factor/own-session.ts';
import { assertAccepted } from '../../second-factor/refuse.ts';
import type { SecondFactorRoutes } from '../../second-factor/routes.ts';

/** `DELETE /auth/second-factor`: by password and code. No session has shown it after that. Called twice: 409, there is none left. */
export const removeSecondFactorRoute: FastifyPluginAsyncTypebox<SecondFactorRoutes> = async (app, deps) => {
  app.delete(
    '/auth/second-factor',
    {
      schema: {
        tags: ['auth'],
        summary: 'Remove your second factor',
        description: 'By password and a code or recovery code. To move to another authenticator, remove it and set it up anew.',
        security: [{ bearer: [] }],
        body: SecondFactorRemovalSchema,
        response: { 204: Type.Null({ description: 'There is none now' }), ...errorResponses(409) },
      },
      config: { access: { who: ANY_ROLE, limit: 'guesses', audit: 'second-factor.remove' } },
    },
    async (request, reply) => {
      const { userId } = ownSession(request);
      await assertPassword(deps, request, request.body.password);
      assertAccepted(request, await removeSecondFactor(deps.database, deps.seal, { userId, code: request.body.code, now: new Date() }));
      request.log.info({ accountId: userId }, 'second factor removed');
      return reply.code(204).send(null);
    },
  );
};
