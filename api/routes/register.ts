import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { EngineError } from '../../domain/errors.ts';
import type { Settings } from '../../domain/settings.ts';
import { callerOf } from '../auth/caller.ts';
import type { CredentialsDependencies } from '../auth/credentials.ts';
import { assertNewPassword, emailIn } from '../auth/new-password.ts';
import { registerAccount } from '../auth/register-account.ts';
import { RegistrationSchema, TokensSchema } from '../schemas/auth.ts';
import { errorResponses } from '../schemas/error.ts';

/** `POST /auth/register`: see `registerAccount`. Where the settings say so, nobody opens an account this way. */
export const register: FastifyPluginAsyncTypebox<CredentialsDependencies & { accounts: Settings['accounts'] }> = async (app, { accounts, ...deps }) => {
  app.post(
    '/auth/register',
    {
      schema: {
        tags: ['auth'],
        summary: 'Open an account',
        description:
          'Opens an account of role USER and signs it in. The answer is the same whether the address was free or not: nobody proves here that it is theirs. With the password of an account that exists it signs that one in. 403 REGISTRATION_CLOSED where operators open accounts.',
        body: RegistrationSchema,
        response: { 201: TokensSchema, ...errorResponses(403) },
      },
      config: { access: { who: 'anyone', limit: 'guesses', audit: 'account.register' } },
      preValidation: async () => {
        if (accounts.registration === 'closed') throw new EngineError('REGISTRATION_CLOSED');
      },
    },
    async (request, reply) => {
      const email = emailIn(request.body.email);
      assertNewPassword(request.body.password, email, 'password');
      const { tokens, accountId } = await registerAccount({ ...deps, accessTokens: app.accessTokens }, { email, password: request.body.password }, callerOf(request), () => request.audit.by({ id: null, email }));
      request.audit.target(accountId);
      request.log.info({ accountId }, 'registered');
      return reply.code(201).send(tokens);
    },
  );
};
