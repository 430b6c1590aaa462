import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../db/client.ts';
import { insertRefreshToken } from '../../db/repositories/refresh-tokens.ts';
import { findUserByEmail } from '../../db/repositories/users.ts';
import { EngineError } from '../../domain/errors.ts';
import { ACCESS_TOKEN_SECONDS } from '../auth/access-tokens.ts';
import type { PasswordVerifier } from '../auth/passwords.ts';
import { makeFamilyId, makeRefreshToken, refreshTokenHash, SESSION_MS } from '../auth/refresh-token.ts';
import { SignInSchema, TokensSchema } from '../schemas/auth.ts';
import { errorResponses } from '../schemas/error.ts';

/** `POST /auth/login`: an unknown address, a wrong password and a disabled account get the same answer after the same time. */
export const login: FastifyPluginAsyncTypebox<{ database: Database; passwords: PasswordVerifier }> = async (app, { database, passwords }) => {
  app.post(
    '/auth/login',
    {
      schema: { tags: ['auth'], summary: 'Sign in', body: SignInSchema, response: { 200: TokensSchema, ...errorResponses(400, 401, 413, 415) } },
      onRequest: [app.limits.address, app.limits.signIn],
    },
    async (request) => {
      const user = await findUserByEmail(database, request.body.email);
      const matches = await passwords.verify(request.body.password, user?.passwordHash);
      if (!user || !matches || !user.isActive) throw new EngineError('UNAUTHENTICATED', { reason: 'credentials' });
      const now = new Date();
      const refreshToken = makeRefreshToken();
      await insertRefreshToken(database, {
        tokenHash: refreshTokenHash(refreshToken),
        userId: user.id,
        familyId: makeFamilyId(),
        expiresAt: new Date(now.getTime() + SESSION_MS),
        now,
      });
      return { accessToken: await app.accessTokens.issue(user), refreshToken, expiresIn: ACCESS_TOKEN_SECONDS };
    },
  );
};
