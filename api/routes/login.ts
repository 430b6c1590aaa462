import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { normaliseEmail } from '../../domain/email.ts';
import { EngineError } from '../../domain/errors.ts';
import { callerOf } from '../auth/caller.ts';
import { checkCredentials, type CredentialsDependencies } from '../auth/credentials.ts';
import { openSession } from '../auth/open-session.ts';
import { SignInSchema, TokensSchema } from '../schemas/auth.ts';
import { errorResponses } from '../schemas/error.ts';

/** `POST /auth/login`: an unknown address, a wrong password and a disabled account get the same answer after the same work, one hash. */
export const login: FastifyPluginAsyncTypebox<CredentialsDependencies> = async (app, deps) => {
  app.post(
    '/auth/login',
    {
      schema: {
        tags: ['auth'],
        summary: 'Sign in',
        description:
          'From the fifth wrong password in a row for one address from one place each asks for a wait, of 1 s at first and twice as long each time up to 15 min: until it is over even the right one gets 429, and Retry-After says when it is. Whether there is an account with that address shows in no answer.',
        body: SignInSchema,
        response: { 200: TokensSchema, ...errorResponses(401) },
      },
      config: { access: { who: 'anyone', limit: 'guesses', audit: 'session.open' } },
    },
    async (request) => {
      const { user } = await checkCredentials(deps, normaliseEmail(request.body.email), request.body.password, request.ip, { right: 'taken-back' });
      if (!user) throw new EngineError('UNAUTHENTICATED', { reason: 'credentials' });
      request.audit.target(user.id, 'account');
      await request.audit.by(user);
      return openSession(deps.database, app.accessTokens, user, callerOf(request));
    },
  );
};
