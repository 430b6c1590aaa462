import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../../db/client.ts';
import { createApiKey } from '../../../db/repositories/accounts/api-keys.ts';
import { LIVE_API_KEYS_PER_OWNER_MAX, sealApiKey } from '../../../domain/api-keys.ts';
import { EngineError } from '../../../domain/errors.ts';
import { parseIpAllowlist } from '../../../domain/ip-allowlist.ts';
import { DEFAULT_SCOPES } from '../../../domain/scopes.ts';
import { CLIENTS } from '../../access.ts';
import { apiKeyView } from '../../api-keys/view.ts';
import { makeKeyId, secretHashOf, type ApiKeySecrets } from '../../auth/api-key-secrets.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { ApiKeyWithSecretSchema, NewApiKeySchema } from '../../schemas/api-key.ts';
import { errorResponses } from '../../schemas/error.ts';

/** `POST /api-keys`: a key of the caller's own. Not idempotent: each call makes another key; one whose answer was lost is seen in the list and revoked. */
export const createApiKeyRoute: FastifyPluginAsyncTypebox<{ database: Database; secrets: ApiKeySecrets }> = async (app, { database, secrets }) => {
  app.post(
    '/api-keys',
    {
      schema: {
        tags: ['api-keys'],
        summary: 'Make an API key',
        description: `Requests are signed with it (see the security scheme \`signature\`). The secret is shown in this answer only. An owner has ${LIVE_API_KEYS_PER_OWNER_MAX} live keys at most; to rotate one, make another, move over, then revoke it.`,
        security: [{ bearer: [] }],
        body: NewApiKeySchema,
        response: { 201: ApiKeyWithSecretSchema, ...errorResponses(409) },
      },
      config: { access: { who: CLIENTS, audit: 'api-key.create' } },
    },
    async (request, reply) => {
      const { id: ownerId } = accountOf(request);
      const { name, scopes = [...DEFAULT_SCOPES] } = request.body;
      const now = new Date();
      const ipAllowlist = request.body.ipAllowlist === undefined ? null : parseIpAllowlist(request.body.ipAllowlist);
      const expiresAt = request.body.expiresAt === undefined ? null : new Date(request.body.expiresAt);
      if (expiresAt !== null && !(expiresAt > now)) throw new EngineError('VALIDATION_FAILED', { field: 'expiresAt', reason: 'past' });
      const keyId = makeKeyId();
      const secret = secrets.secretOf(keyId);
      const facts = { keyId, ownerId, scopes, ipAllowlist, expiresAt };
      const key = await createApiKey(database, { ...facts, name, secretHash: secretHashOf(secret), seal: sealApiKey(secrets.sealKey, facts) }, { liveMax: LIVE_API_KEYS_PER_OWNER_MAX, now });
      if (!key) throw new EngineError('INVALID_STATE', { reason: 'too-many-api-keys', maximum: String(LIVE_API_KEYS_PER_OWNER_MAX) });
      request.audit.target(key.id);
      request.audit.after({ keyId, name, scopes, ipAllowlist, expiresAt });
      request.log.info({ accountId: ownerId, keyId, scopes }, 'API key made');
      return reply.code(201).header('cache-control', 'no-store').send({ ...apiKeyView(key), secret });
    },
  );
};
