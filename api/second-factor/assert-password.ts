import type { FastifyRequest } from 'fastify';
import { countTry, forgiveTry } from '../../db/repositories/second-factors.ts';
import { findUserById, type User } from '../../db/repositories/users.ts';
import { EngineError } from '../../domain/errors.ts';
import { accountOf } from '../plugins/authentication.ts';
import { refuseUntil } from './refuse.ts';
import type { SecondFactorRoutes } from './routes.ts';

/**
 * The account behind the session, once its own password was given. Wrong ones are counted with wrong codes. Throws
 * `VALIDATION_FAILED` for a wrong one, `RATE_LIMITED` while there is to wait, `SERVICE_UNAVAILABLE` uncounted.
 */
export async function assertPassword({ database, passwords }: SecondFactorRoutes, request: FastifyRequest, password: string): Promise<User> {
  const { id: accountId } = accountOf(request);
  const user = await findUserById(database, accountId);
  if (user === undefined) throw new EngineError('UNAUTHENTICATED');
  const counted = await countTry(database, accountId, new Date());
  if (counted.kind === 'wait') return refuseUntil(counted.until);
  const matches = await passwords.verify(password, user.passwordHash).catch(async (error: unknown) => {
    await forgiveTry(database, accountId, counted);
    throw error;
  });
  if (!matches) {
    request.log.warn({ accountId }, 'a wrong password at the second factor');
    throw new EngineError('VALIDATION_FAILED', { field: 'password', reason: 'wrong-password' });
  }
  await forgiveTry(database, accountId, counted);
  return user;
}
