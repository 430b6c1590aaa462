import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { confirmSecondFactor } from '../../../db/repositories/accounts/second-factors.ts';
import { ANY_ROLE } from '../../access.ts';
import { errorResponses } from '../../schemas/error.ts';
import { OneTimeCodeSchema, SecondFactorSchema } from '../../schemas/second-factor.ts';
import { ownSession } from '../../second-factor/own-session.ts';
import { assertAccepted } from '../../second-factor/refuse.ts';
import type { SecondFactorRoutes } from '../../second-factor/routes.ts';
import { secondFactorView } from '../../second-factor/view.ts';

/** `POST /auth/second-factor/confirm`: the first code of a new factor makes it active, and counts as shown. Called twice: 409, and it stays active. */
export const confirmSecondFactorRoute: FastifyPluginAsyncTypebox<SecondFactorRoutes> = async (app, deps) => {
  app.post(
    '/auth/second-factor/confirm',
    {
      schema: {
        tags: ['auth'],
        summary: 'Activate a second factor',
        description: 'By a code of the authenticator it was set up in. This session has then shown it. After wrong codes 429 for a while, whatever the code.',
        security: [{ bearer: [] }],
        body: OneTimeCodeSchema,
        response: { 200: SecondFactorSchema, ...errorResponses(409) },
      },
      config: { access: { who: ANY_ROLE, limit: 'guesses', audit: 'second-factor.confirm' } },
    },
    async (request) => {
      const session = ownSession(request);
      assertAccepted(request, await confirmSecondFactor(deps.database, deps.seal, { ...session, code: request.body.code, now: new Date() }));
      request.log.info({ accountId: session.userId }, 'second factor active');
      return secondFactorView(deps, request);
    },
  );
};
