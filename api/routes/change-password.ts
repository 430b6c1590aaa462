import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { changePassword } from '../../db/repositories/accounts/change-password.ts';
import { findUserById, shownEmail } from '../../db/repositories/accounts/users.ts';
import { EngineError } from '../../domain/errors.ts';
import { ANY_ROLE } from '../access.ts';
import { countGuess, type CredentialsDependencies } from '../auth/credentials.ts';
import { assertNewPassword } from '../auth/new-password.ts';
import { isSameHash, newRecipe, recipeOf } from '../auth/passwords.ts';
import { accountOf } from '../plugins/authentication.ts';
import { PasswordChangeSchema } from '../schemas/auth.ts';
import { errorResponses } from '../schemas/error.ts';

/**
 * `POST /auth/password`: another password, and the end of every other session at once. The salt stays that of the address. Every
 * call counts as a guess, and stays counted: whoever sets a password and signs in with it sees whether it opens another account
 * under the address. Called twice, the second finds the old password wrong.
 */
export const changeOwnPassword: FastifyPluginAsyncTypebox<CredentialsDependencies> = async (app, deps) => {
  app.post(
    '/auth/password',
    {
      schema: {
        tags: ['auth'],
        summary: 'Change the own password',
        description: 'Ends all other sessions of the account at once. Calls count as wrong passwords do at POST /auth/login.',
        security: [{ bearer: [] }],
        body: PasswordChangeSchema,
        response: { 204: Type.Null({ description: 'It is changed, and the other sessions have ended' }), ...errorResponses(409) },
      },
      config: { access: { who: ANY_ROLE, limit: 'guesses', audit: 'account.change-password', initialPassword: true } },
    },
    async (request, reply) => {
      const { id: accountId, via } = accountOf(request);
      const { currentPassword, newPassword } = request.body;
      const user = await findUserById(deps.database, accountId);
      if (!user) throw new EngineError('UNAUTHENTICATED');
      const email = shownEmail(user);
      assertNewPassword(newPassword, email, 'newPassword');
      await countGuess(deps, email, request.ip);
      if (!(await deps.passwords.verify(currentPassword, user.passwordHash))) throw new EngineError('VALIDATION_FAILED', { field: 'currentPassword', reason: 'wrong-password' });
      const passwordHash = await deps.passwords.hash(newPassword, recipeOf(user.passwordHash) ?? newRecipe(deps.addresses.salt(email)));
      if (isSameHash(user.passwordHash, passwordHash)) throw new EngineError('VALIDATION_FAILED', { field: 'newPassword', reason: 'unchanged' });
      const keepSession = via.kind === 'session' ? { keepSession: via.sessionId } : {};
      const isChanged = await changePassword(deps.database, { userId: accountId, before: user.passwordHash, passwordHash, mustChangePassword: false, ...keepSession, now: new Date() });
      if (!isChanged) throw new EngineError('INVALID_STATE', { reason: 'changed-meanwhile' });
      request.log.info({ accountId }, 'password changed');
      return reply.code(204).send(null);
    },
  );
};
