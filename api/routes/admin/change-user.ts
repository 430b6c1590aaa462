import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { changeAccount } from '../../../db/repositories/accounts/change-account.ts';
import { EngineError } from '../../../domain/errors.ts';
import { ADMINS } from '../../access.ts';
import { rowOf } from '../../errors/row-of.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { UserChangesSchema, UserParams, UserSchema } from '../../schemas/user.ts';
import { userView } from '../../users/view.ts';

/** `PATCH /admin/users/:id`: another role, or whether it may act; see `changeAccount`. Its sessions end at once. Called twice, the same answer. */
export const changeUser: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.patch(
    '/admin/users/:id',
    {
      schema: {
        tags: ['admin'],
        summary: 'Change a role, deactivate an account, or activate it again',
        description: 'In force at once: its sessions end, and it signs in anew with what it may do then. Nobody changes their own account, so that an administrator always remains (409 otherwise).',
        security: [{ bearer: [] }],
        params: UserParams,
        body: UserChangesSchema,
        response: { 200: UserSchema, ...errorResponses(404, 409) },
      },
      config: { access: { who: ADMINS, secondFactor: true, audit: 'account.change' } },
    },
    async (request) => {
      const { id: accountId } = accountOf(request);
      const { role, isActive, reason } = request.body;
      if (role === undefined && isActive === undefined) throw new EngineError('VALIDATION_FAILED', { field: 'body', reason: 'nothing-to-change' });
      const changed = await changeAccount(database, { actorId: accountId, targetId: Number(request.params.id), role, isActive, now: new Date() });
      if (changed.kind === 'not-allowed') throw new EngineError('FORBIDDEN');
      const row = rowOf(changed);
      if (changed.kind === 'done') request.audit.before(changed.before);
      request.audit.after({ role: row.role, isActive: row.isActive, reason });
      request.log.info({ accountId, user: row.id, role: row.role, isActive: row.isActive, reason }, 'account changed');
      return userView(database, row);
    },
  );
};
