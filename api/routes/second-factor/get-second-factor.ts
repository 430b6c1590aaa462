import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { ANY_ROLE } from '../../access.ts';
import { SecondFactorSchema } from '../../schemas/second-factor.ts';
import type { SecondFactorRoutes } from '../../second-factor/routes.ts';
import { secondFactorView } from '../../second-factor/view.ts';

/** `GET /auth/second-factor`: whether the account has one, and whether this session has shown it. */
export const getSecondFactor: FastifyPluginAsyncTypebox<SecondFactorRoutes> = async (app, deps) => {
  app.get(
    '/auth/second-factor',
    {
      schema: { tags: ['auth'], summary: 'The second factor of your account', security: [{ bearer: [] }], response: { 200: SecondFactorSchema } },
      config: { access: { who: ANY_ROLE } },
    },
    async (request) => secondFactorView(deps, request),
  );
};
