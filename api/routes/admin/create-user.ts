import { randomBytes } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { createUser, findUserById } from '../../../db/repositories/accounts/users.ts';
import { isDuplicateKey } from '../../../db/transact.ts';
import { EngineError } from '../../../domain/errors.ts';
import { ADMINS } from '../../access.ts';
import type { CredentialsDependencies } from '../../auth/credentials.ts';
import { emailIn } from '../../auth/new-password.ts';
import { newRecipe } from '../../auth/passwords.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { NewUserSchema, UserWithPasswordSchema } from '../../schemas/user.ts';
import { userView } from '../../users/view.ts';

const INITIAL_PASSWORD_BYTES = 18;

/**
 * `POST /admin/users`: an account with a role, and a first password that is shown once and opens nothing until it was changed.
 * Called twice, or where someone has registered the address, 409: that account is not touched.
 */
export const createUserRoute: FastifyPluginAsyncTypebox<CredentialsDependencies> = async (app, { database, addresses, passwords }) => {
  app.post(
    '/admin/users',
    {
      schema: {
        tags: ['admin'],
        summary: 'Open an account',
        description: 'Its first password is shown this once; whoever signs in with it can only change it. 409 where the address has an account already.',
        security: [{ bearer: [] }],
        body: NewUserSchema,
        response: { 201: UserWithPasswordSchema, ...errorResponses(409) },
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'account.create' } },
    },
    async (request, reply) => {
      const { id: accountId } = accountOf(request);
      const { role } = request.body;
      const email = emailIn(request.body.email);
      const initialPassword = randomBytes(INITIAL_PASSWORD_BYTES).toString('base64url');
      const passwordHash = await passwords.hash(initialPassword, newRecipe(addresses.salt(email)));
      const id = await createUser(database, { email, passwordHash, role, mustChangePassword: true, now: new Date() }).catch((error: unknown) => {
        throw isDuplicateKey(error) ? new EngineError('INVALID_STATE', { field: 'email', reason: 'address-taken' }) : error;
      });
      request.audit.target(id);
      request.audit.after({ email, role });
      const row = await findUserById(database, id);
      if (!row) throw new Error(`account ${id} was just made and is not there`);
      request.audit.target(id);
      request.audit.after({ email, role });
      request.log.info({ accountId, user: id, role }, 'account opened');
      return reply.code(201).send({ ...(await userView(database, row)), initialPassword });
    },
  );
};
