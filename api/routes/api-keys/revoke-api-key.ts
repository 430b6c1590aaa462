import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Database } from '../../../db/client.ts';
import { revokeApiKey } from '../../../db/repositories/accounts/api-keys.ts';
import { EngineError } from '../../../domain/errors.ts';
import { CLIENTS } from '../../access.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { ApiKeyParams } from '../../schemas/api-key.ts';
import { errorResponses } from '../../schemas/error.ts';

/** `DELETE /api-keys/:id`: ends a key of the caller's own for good. Called twice it answers the same, and the first time stands. */
export const revokeApiKeyRoute: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.delete(
    '/api-keys/:id',
    {
      schema: {
        tags: ['api-keys'],
        summary: 'Revoke an API key',
        description: 'From the next request on, in every process.',
        security: [{ bearer: [] }],
        params: ApiKeyParams,
        response: { 204: Type.Null({ description: 'Revoked' }), ...errorResponses(404) },
      },
      config: { access: { who: CLIENTS, audit: 'api-key.revoke' } },
    },
    async (request, reply) => {
      const { id: ownerId } = accountOf(request);
      const id = Number(request.params.id);
      if (!(await revokeApiKey(database, id, ownerId, new Date()))) throw new EngineError('NOT_FOUND', { apiKey: request.params.id });
      request.audit.after({ revoked: true });
      request.log.info({ accountId: ownerId, apiKeyId: id }, 'API key revoked');
      return reply.code(204).send(null);
    },
  );
};
