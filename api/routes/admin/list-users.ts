import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { pageUsers } from '../../../db/repositories/accounts/list-users.ts';
import { findUserById } from '../../../db/repositories/accounts/users.ts';
import { EngineError } from '../../../domain/errors.ts';
import { READERS } from '../../access.ts';
import { decodeIdCursor, encodeIdCursor } from '../../pagination-cursor.ts';
import { errorResponses } from '../../schemas/error.ts';
import { UserListSchema, UserParams, UserQuery, UserSchema } from '../../schemas/user.ts';
import { LIST_LIMIT_DEFAULT } from '../../schemas/withdrawal.ts';
import { userView, userViews } from '../../users/view.ts';

/** `GET /admin/users` and `GET /admin/users/:id`: who may sign in, and as what. */
export const listUsers: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.get(
    '/admin/users',
    {
      schema: {
        tags: ['admin'],
        summary: 'Who may sign in, and as what',
        description: 'Oldest first. An address that was registered is not proven to be anyone’s.',
        security: [{ bearer: [] }],
        querystring: UserQuery,
        response: { 200: UserListSchema },
      },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const { email, role, active, cursor, limit = LIST_LIMIT_DEFAULT } = request.query;
      const { rows, next } = await pageUsers(database, { email, role, isActive: active && active === 'true', after: cursor === undefined ? undefined : decodeIdCursor(cursor), limit });
      return { items: await userViews(database, rows), nextCursor: next === null ? null : encodeIdCursor(next) };
    },
  );

  app.get(
    '/admin/users/:id',
    {
      schema: { tags: ['admin'], summary: 'One account', security: [{ bearer: [] }], params: UserParams, response: { 200: UserSchema, ...errorResponses(404) } },
      config: { access: { who: READERS } },
    },
    async (request) => {
      const row = await findUserById(database, Number(request.params.id));
      if (!row) throw new EngineError('NOT_FOUND');
      return userView(database, row);
    },
  );
};
