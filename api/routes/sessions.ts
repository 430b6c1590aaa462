import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Database } from '../../db/client.ts';
import { pageSessions, revokeSession, revokeSessionsOf, type SessionRow } from '../../db/repositories/accounts/sessions.ts';
import { lockUser } from '../../db/repositories/accounts/users.ts';
import { transact } from '../../db/transact.ts';
import { EngineError } from '../../domain/errors.ts';
import { ANY_ROLE } from '../access.ts';
import { decodeTextCursor, encodeTextCursor } from '../pagination-cursor.ts';
import { accountOf, type Account } from '../plugins/authentication.ts';
import { SessionListSchema, SessionParams, SessionQuery, type SessionView } from '../schemas/auth.ts';
import { errorResponses } from '../schemas/error.ts';
import { LIST_LIMIT_DEFAULT } from '../schemas/withdrawal.ts';

/** `GET`, `DELETE /auth/sessions` and `DELETE /auth/sessions/:id`: one's own sessions. What is ended acts no more from then on; ended twice, the answer is the same. */
export const ownSessions: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.get(
    '/auth/sessions',
    {
      schema: {
        tags: ['auth'],
        summary: 'The own sessions',
        description: 'Those that have not ended, newest first. A session ends thirty days after the sign-in, or when it was not refreshed for seven.',
        security: [{ bearer: [] }],
        querystring: SessionQuery,
        response: { 200: SessionListSchema },
      },
      config: { access: { who: ANY_ROLE } },
    },
    async (request) => {
      const account = accountOf(request);
      const { cursor, limit = LIST_LIMIT_DEFAULT } = request.query;
      const { rows, next } = await pageSessions(database, { userId: account.id, after: cursor === undefined ? undefined : positionIn(cursor), limit, now: new Date() });
      return { items: rows.map((row) => sessionView(row, account)), nextCursor: next && encodeTextCursor(`${next.createdAt.getTime()}.${next.id}`) };
    },
  );

  app.delete(
    '/auth/sessions/:id',
    {
      schema: {
        tags: ['auth'],
        summary: 'End one of the own sessions',
        security: [{ bearer: [] }],
        params: SessionParams,
        response: { 204: Type.Null({ description: 'It has ended' }), ...errorResponses(404) },
      },
      config: { access: { who: ANY_ROLE, audit: 'session.revoke' } },
    },
    async (request, reply) => {
      const { id: accountId } = accountOf(request);
      if (!(await transact(database, (tx) => revokeSession(tx, accountId, request.params.id, new Date())))) throw new EngineError('NOT_FOUND');
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/auth/sessions',
    {
      schema: {
        tags: ['auth'],
        summary: 'End all other sessions',
        description: 'All of the own sessions but the one that asks.',
        security: [{ bearer: [] }],
        response: { 204: Type.Null({ description: 'They have ended' }) },
      },
      config: { access: { who: ANY_ROLE, audit: 'session.revoke' } },
    },
    async (request, reply) => {
      const { id: accountId, via } = accountOf(request);
      await transact(database, async (tx) => {
        // Sign-ins hold the same row: none slips in between.
        await lockUser(tx, accountId);
        await revokeSessionsOf(tx, accountId, new Date(), via.kind === 'session' ? via.sessionId : undefined);
      });
      return reply.code(204).send(null);
    },
  );
};

function positionIn(cursor: string): Pick<SessionRow, 'createdAt' | 'id'> {
  const [milliseconds = '', id = ''] = decodeTextCursor(cursor, /^[0-9]{1,15}\.[0-9a-f]{32}$/).split('.');
  return { createdAt: new Date(Number(milliseconds)), id };
}

function sessionView({ id, createdAt, refreshedAt, expiresAt, ipAddress, userAgent }: SessionRow, { via }: Account): SessionView {
  return { id, createdAt: createdAt.toISOString(), lastUsedAt: (refreshedAt ?? createdAt).toISOString(), expiresAt: expiresAt.toISOString(), ipAddress, userAgent, current: via.kind === 'session' && via.sessionId === id };
}
