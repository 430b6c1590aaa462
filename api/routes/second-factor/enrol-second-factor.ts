import { randomBytes } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { enrolSecondFactor } from '../../../db/repositories/accounts/second-factors.ts';
import { shownEmail } from '../../../db/repositories/accounts/users.ts';
import { EngineError } from '../../../domain/errors.ts';
import { base32Of, keyUri, RECOVERY_CODE_BYTES, RECOVERY_CODES, recoveryCodeOf, SECRET_BYTES } from '../../../domain/second-factor.ts';
import { ANY_ROLE } from '../../access.ts';
import { errorResponses } from '../../schemas/error.ts';
import { PasswordAgainSchema, SecondFactorEnrolmentSchema } from '../../schemas/second-factor.ts';
import { assertPassword } from '../../second-factor/assert-password.ts';
import type { SecondFactorRoutes } from '../../second-factor/routes.ts';

/**
 * `POST /auth/second-factor`: a secret and its recovery codes, shown once, that count for nothing until a code is confirmed. Not
 * idempotent: called again before that, the new ones take the place of those before.
 */
export const enrolSecondFactorRoute: FastifyPluginAsyncTypebox<SecondFactorRoutes> = async (app, deps) => {
  app.post(
    '/auth/second-factor',
    {
      schema: {
        tags: ['auth'],
        summary: 'Set up a second factor',
        description: 'It becomes active when a code of it is confirmed. Was the answer lost, call again: what was shown before is void. 409 while one is active.',
        security: [{ bearer: [] }],
        body: PasswordAgainSchema,
        response: { 201: SecondFactorEnrolmentSchema, ...errorResponses(409) },
      },
      config: { access: { who: ANY_ROLE, limit: 'guesses', audit: 'second-factor.enrol' } },
    },
    async (request, reply) => {
      const user = await assertPassword(deps, request, request.body.password);
      const userId = user.id;
      const secret = base32Of(randomBytes(SECRET_BYTES));
      const recovery = Array.from({ length: RECOVERY_CODES }, () => randomBytes(RECOVERY_CODE_BYTES));
      const enrolled = await enrolSecondFactor(deps.database, deps.seal, { userId, secret, recoveryCodes: recovery.map((bytes) => base32Of(bytes)) });
      if (enrolled.kind === 'refused') throw new EngineError('INVALID_STATE', { reason: enrolled.reason });
      request.log.info({ accountId: userId }, 'second factor enrolled');
      return reply.code(201).send({ secret, uri: keyUri({ email: shownEmail(user), secret }), recoveryCodes: recovery.map((bytes) => recoveryCodeOf(bytes)) });
    },
  );
};
