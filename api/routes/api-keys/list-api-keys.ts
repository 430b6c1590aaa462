import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { pageApiKeys } from '../../../db/repositories/accounts/api-keys.ts';
import { CLIENTS } from '../../access.ts';
import { apiKeyView } from '../../api-keys/view.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { API_KEY_LIMIT_DEFAULT, ApiKeyListQuery, ApiKeyListSchema } from '../../schemas/api-key.ts';
import { decodeIdCursor, encodeIdCursor } from '../../webhooks/id-cursor.ts';

/** `GET /api-keys`: the caller's own, whoever the caller is. */
export const listApiKeys: FastifyPluginAsyncTypebox<{ database: Database }> = async (app, { database }) => {
  app.get(
    '/api-keys',
    {
      schema: { tags: ['api-keys'], summary: 'Own API keys, newest first', description: 'Revoked and expired ones too.', security: [{ bearer: [] }], querystring: ApiKeyListQuery, response: { 200: ApiKeyListSchema } },
      config: { access: { who: CLIENTS } },
    },
    async (request) => {
      const { cursor, limit = API_KEY_LIMIT_DEFAULT } = request.query;
      const before = cursor === undefined ? undefined : decodeIdCursor(cursor);
      const { rows, next } = await pageApiKeys(database, { ownerId: accountOf(request).id, before, limit });
      return { items: rows.map(apiKeyView), nextCursor: next === null ? null : encodeIdCursor(next) };
    },
  );
};
