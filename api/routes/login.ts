import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../db/client.ts';
import { findUserByEmail } from '../../db/repositories/users.ts';
import { EngineError } from '../../domain/errors.ts';
import { openSession } from '../auth/open-session.ts';
import type { PasswordVerifier } from '../auth/passwords.ts';
import { SignInSchema, TokensSchema } from '../schemas/auth.ts';
import { errorResponses } from '../schemas/error.ts';

/** `POST /auth/login`: an unknown address, a wrong password and a disabled account get the same answer after the same time. */
export const login: FastifyPluginAsyncTypebox<{ database: Database; passwords: PasswordVerifier }> = async (app, { database, passwords }) => {
  app.post(
    '/auth/login',
    {
      schema: { tags: ['auth'], summary: 'Sign in', body: SignInSchema, response: { 200: TokensSchema, ...errorResponses(400, 401, 413, 415) } },
      config: { access: { who: 'anyone', limit: 'guesses', audit: 'session.open' } },
    },
    async (request) => {
      const user = await findUserByEmail(database, request.body.email);
      const matches = await passwords.verify(request.body.password, user?.passwordHash);
      if (!user || !matches || !user.isActive) throw new EngineError('UNAUTHENTICATED', { reason: 'credentials' });
      request.audit.target(user.id, 'account');
      await request.audit.by(user);
      return openSession(database, app.accessTokens, user);
    },
  );
};
