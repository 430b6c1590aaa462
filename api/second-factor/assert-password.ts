import type { FastifyReply, FastifyRequest } from 'fastify';
import { countTry, forgiveTry } from '../../db/repositories/second-factors.ts';
import { findUserById } from '../../db/repositories/users.ts';
import { EngineError } from '../../domain/errors.ts';
import { accountOf } from '../plugins/authentication.ts';
import { refuseUntil } from './refuse.ts';
import type { SecondFactorRoutes } from './routes.ts';

/** Passes the account's own password. Wrong ones are counted with wrong codes. Throws `FORBIDDEN`, or `RATE_LIMITED` with Retry-After. */
export async function assertPassword({ database, passwords }: SecondFactorRoutes, request: FastifyRequest, reply: FastifyReply, password: string): Promise<void> {
  const { id: accountId } = accountOf(request);
  const counted = await countTry(database, accountId, new Date());
  if (counted.kind === 'wait') return refuseUntil(reply, counted.until);
  const matches = await passwords.verify(password, (await findUserById(database, accountId))?.passwordHash);
  if (!matches) {
    request.log.warn({ accountId }, 'a wrong password at the second factor');
    throw new EngineError('FORBIDDEN', { field: 'password', reason: 'wrong-password' });
  }
  await forgiveTry(database, accountId, counted);
}
