import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Database } from '../../db/client.ts';
import { findTokenOwner, revokeByToken } from '../../db/repositories/accounts/refresh-tokens.ts';
import { refreshTokenHash } from '../auth/refresh-token.ts';
import { RefreshSchema } from '../schemas/auth.ts';

/** `POST /auth/logout`: ends the session of a refresh token. An unknown one gets the same answer: there is nothing left to end. */
export const logout: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.post(
    '/auth/logout',
    {
      schema: {
        tags: ['auth'],
        summary: 'End a session',
        body: RefreshSchema,
        response: { 204: Type.Null({ description: 'The session has ended' }) },
      },
      config: { access: { who: 'anyone', audit: 'session.close' } },
    },
    async (request, reply) => {
      const tokenHash = refreshTokenHash(request.body.refreshToken);
      const owner = await findTokenOwner(database, tokenHash);
      if (owner) {
        request.audit.target(owner.sessionId);
        await request.audit.by(owner);
        await revokeByToken(database, tokenHash, new Date());
      }
      return reply.code(204).send(null);
    },
  );
};
