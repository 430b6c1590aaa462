import type { FastifyRequest } from 'fastify';
import { takeGuessBack } from '../../db/repositories/accounts/password-guesses.ts';
import { findUserById, shownEmail, type User } from '../../db/repositories/accounts/users.ts';
import { EngineError } from '../../domain/errors.ts';
import { countGuess } from '../auth/credentials.ts';
import { accountOf } from '../plugins/authentication.ts';
import type { SecondFactorRoutes } from './routes.ts';

/**
 * The account behind the session, once its own password was given. A wrong one counts as one at sign-in does. Throws
 * `VALIDATION_FAILED` for a wrong one, `RATE_LIMITED` while there is to wait, `SERVICE_UNAVAILABLE` uncounted.
 */
export async function assertPassword(deps: SecondFactorRoutes, request: FastifyRequest, password: string): Promise<User> {
  const { database, passwords } = deps;
  const { id: accountId } = accountOf(request);
  const user = await findUserById(database, accountId);
  if (user === undefined) throw new EngineError('UNAUTHENTICATED');
  const guess = await countGuess(deps, shownEmail(user), request.ip);
  const takeBack = () => takeGuessBack(database, guess, new Date(), { signedIn: false });
  const matches = await passwords.verify(password, user.passwordHash).catch(async (error: unknown) => {
    await takeBack();
    throw error;
  });
  if (!matches) {
    request.log.warn({ accountId }, 'a wrong password at the second factor');
    throw new EngineError('VALIDATION_FAILED', { field: 'password', reason: 'wrong-password' });
  }
  await takeBack();
  return user;
}
