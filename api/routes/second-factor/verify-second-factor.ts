import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { verifySecondFactor } from '../../../db/repositories/accounts/second-factors.ts';
import { ANY_ROLE } from '../../access.ts';
import { errorResponses } from '../../schemas/error.ts';
import { SecondFactorCodeSchema, SecondFactorSchema } from '../../schemas/second-factor.ts';
import { ownSession } from '../../second-factor/own-session.ts';
import { assertAccepted } from '../../second-factor/refuse.ts';
import type { SecondFactorRoutes } from '../../second-factor/routes.ts';
import { secondFactorView } from '../../second-factor/view.ts';

/** `POST /auth/second-factor/verify`: shows the factor in this session, for 15 minutes from each call. A code is accepted once: called twice with one, 403. */
export const verifySecondFactorRoute: FastifyPluginAsyncTypebox<SecondFactorRoutes> = async (app, deps) => {
  app.post(
    '/auth/second-factor/verify',
    {
      schema: {
        tags: ['auth'],
        summary: 'Show your second factor',
        description: 'This session, and no other, may then do what needs it for 15 minutes. Each code is accepted once. After wrong codes 429 for a while, whatever the code.',
        security: [{ bearer: [] }],
        body: SecondFactorCodeSchema,
        response: { 200: SecondFactorSchema, ...errorResponses(409) },
      },
      config: { access: { who: ANY_ROLE, limit: 'guesses', audit: 'second-factor.verify' } },
    },
    async (request) => {
      assertAccepted(request, await verifySecondFactor(deps.database, deps.seal, { ...ownSession(request), code: request.body.code, now: new Date() }));
      return secondFactorView(deps, request);
    },
  );
};
