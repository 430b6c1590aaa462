import type { FastifyRequest } from 'fastify';
import { readSecondFactor } from '../../db/repositories/accounts/second-factors.ts';
import type { SecondFactorView } from '../schemas/second-factor.ts';
import { ownSession } from './own-session.ts';
import type { SecondFactorRoutes } from './routes.ts';

/** The factor of the caller's account, as their session sees it. */
export async function secondFactorView({ database, settings }: SecondFactorRoutes, request: FastifyRequest): Promise<SecondFactorView> {
  const { state, confirmedAt, recoveryCodesLeft, shownUntil } = await readSecondFactor(database, { ...ownSession(request), now: new Date() });
  return { state, confirmedAt: confirmedAt?.toISOString() ?? null, recoveryCodesLeft, verifiedUntil: shownUntil?.toISOString() ?? null, required: settings.accounts.secondFactorRequired };
}
