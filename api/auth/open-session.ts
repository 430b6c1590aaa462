import type { Database } from '../../db/client.ts';
import { insertRefreshToken } from '../../db/repositories/refresh-tokens.ts';
import { insertSession } from '../../db/repositories/sessions.ts';
import type { User } from '../../db/repositories/users.ts';
import { transact } from '../../db/transact.ts';
import type { Tokens } from '../schemas/auth.ts';
import { ACCESS_TOKEN_SECONDS, type AccessTokens } from './access-tokens.ts';
import { makeRefreshToken, makeSessionId, refreshTokenHash, SESSION_MS } from './refresh-token.ts';

/** Signs an account in: a new session with its first tokens. Called twice, there are two sessions. */
export async function openSession(database: Database, accessTokens: AccessTokens, user: Pick<User, 'id' | 'role'>): Promise<Tokens> {
  const now = new Date();
  const session = { id: makeSessionId(), userId: user.id, expiresAt: new Date(now.getTime() + SESSION_MS), now };
  const refreshToken = makeRefreshToken();
  await transact(database, async (tx) => {
    await insertSession(tx, session);
    await insertRefreshToken(tx, { tokenHash: refreshTokenHash(refreshToken), userId: user.id, familyId: session.id, expiresAt: session.expiresAt, now });
  });
  return { accessToken: await accessTokens.issue({ ...user, sessionId: session.id }), refreshToken, expiresIn: ACCESS_TOKEN_SECONDS };
}
