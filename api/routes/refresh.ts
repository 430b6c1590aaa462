import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../db/client.ts';
import { findTokenOwner, rotateRefreshToken } from '../../db/repositories/accounts/refresh-tokens.ts';
import { findSessionUser } from '../../db/repositories/accounts/sessions.ts';
import { EngineError } from '../../domain/errors.ts';
import { ACCESS_TOKEN_SECONDS } from '../auth/access-tokens.ts';
import { makeRefreshToken, refreshTokenHash } from '../auth/refresh-token.ts';
import { RefreshSchema, TokensSchema } from '../schemas/auth.ts';
import { errorResponses } from '../schemas/error.ts';

/** `POST /auth/refresh`: a refresh token for its successor and a new access token. A token used twice ends its session. */
export const refresh: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.post(
    '/auth/refresh',
    {
      schema: { tags: ['auth'], summary: 'Go on with a session', body: RefreshSchema, response: { 200: TokensSchema, ...errorResponses(401) } },
      config: { access: { who: 'anyone', audit: 'session.refresh' } },
    },
    async (request) => {
      const tokenHash = refreshTokenHash(request.body.refreshToken);
      const owner = await findTokenOwner(database, tokenHash);
      if (!owner) throw new EngineError('UNAUTHENTICATED', { reason: 'refresh-token' });
      request.audit.target(owner.sessionId);
      await request.audit.by(owner);
      const refreshToken = makeRefreshToken();
      const rotation = await rotateRefreshToken(database, {
        tokenHash,
        successorHash: refreshTokenHash(refreshToken),
        now: new Date(),
      });
      if (rotation.kind === 'reused') request.log.warn({ accountId: rotation.userId }, 'a refresh token was used twice: its session is revoked');
      const user = rotation.kind === 'rotated' ? await findSessionUser(database, rotation.sessionId, rotation.userId, new Date()) : undefined;
      if (rotation.kind !== 'rotated' || !user) throw new EngineError('UNAUTHENTICATED', { reason: 'refresh-token' });
      return { accessToken: await app.accessTokens.issue({ ...user, sessionId: rotation.sessionId }), refreshToken, expiresIn: ACCESS_TOKEN_SECONDS };
    },
  );
};
