import type { Database, Transaction } from '../../db/client.ts';
import { insertRefreshToken, refreshTokenEnd } from '../../db/repositories/accounts/refresh-tokens.ts';
import { insertSession } from '../../db/repositories/accounts/sessions.ts';
import { lockUser, type User } from '../../db/repositories/accounts/users.ts';
import { transact } from '../../db/transact.ts';
import { EngineError } from '../../domain/errors.ts';
import type { Tokens } from '../schemas/auth.ts';
import { ACCESS_TOKEN_SECONDS, type AccessTokens } from './access-tokens.ts';
import { makeRefreshToken, makeSessionId, refreshTokenHash, SESSION_MS } from './refresh-token.ts';

/** Where a session is opened from, as far as it is known. */
export interface Caller {
  ip: string;
  userAgent?: string | undefined;
}

/** Who signs in, as they were when that was decided. */
export type SigningIn = Pick<User, 'id' | 'role'> & Partial<Pick<User, 'passwordHash'>>;

const USER_AGENT_LENGTH_MAX = 256;

/**
 * Signs an account in: a new session with its first tokens. Called twice, there are two sessions. Throws `UNAUTHENTICATED`
 * where the account was deactivated, or its password changed, since that was checked: what ends sessions holds the account's
 * row too, and misses none.
 */
export async function openSession(database: Database, accessTokens: AccessTokens, user: SigningIn, caller?: Caller): Promise<Tokens> {
  const opened = await transact(database, async (tx) => {
    const now = await lockUser(tx, user.id);
    if (!now?.isActive || (user.passwordHash !== undefined && now.passwordHash !== user.passwordHash)) throw new EngineError('UNAUTHENTICATED', { reason: 'credentials' });
    return { role: now.role, ...(await insertOpenedSession(tx, user.id, caller)) };
  });
  return { accessToken: await accessTokens.issue({ id: user.id, role: opened.role, sessionId: opened.sessionId }), refreshToken: opened.refreshToken, expiresIn: ACCESS_TOKEN_SECONDS };
}

/** The rows of a new session, in the transaction that holds its account's row or has made it. */
export async function insertOpenedSession(tx: Transaction, userId: number, caller: Caller | undefined): Promise<{ sessionId: string; refreshToken: string }> {
  const now = new Date();
  const session = { id: makeSessionId(), userId, expiresAt: new Date(now.getTime() + SESSION_MS), now };
  const refreshToken = makeRefreshToken();
  await insertSession(tx, { ...session, ipAddress: caller?.ip ?? null, userAgent: caller?.userAgent?.slice(0, USER_AGENT_LENGTH_MAX) ?? null });
  await insertRefreshToken(tx, { tokenHash: refreshTokenHash(refreshToken), userId, familyId: session.id, expiresAt: refreshTokenEnd(session.expiresAt, now), now });
  return { sessionId: session.id, refreshToken };
}
