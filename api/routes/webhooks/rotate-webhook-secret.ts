import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { addSecret } from '../../../db/repositories/webhooks/webhook-endpoints.ts';
import { makeWebhookSecret, sealWebhookSecret } from '../../../db/webhook-secret-seal.ts';
import { EngineError } from '../../../domain/errors.ts';
import { CLIENTS } from '../../access.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { NewWebhookSecretSchema, WebhookParams, WebhookSecretSchema } from '../../schemas/webhook.ts';
import { ownEndpoint } from '../../webhooks/own-endpoint.ts';
import type { WebhookRoutes } from '../../webhooks/routes.ts';
import { secretsView } from '../../webhooks/view.ts';

/** Each is a signature more in a header. */
const LIVE_SECRETS_MAX = 3;
const HOUR_MS = 3_600_000;

/** `POST /webhooks/:id/secrets`: rotation. Messages carry a signature of every live secret. Not idempotent: each call makes another secret. */
export const rotateWebhookSecret: FastifyPluginAsyncTypebox<WebhookRoutes> = async (app, { database, webhookKey, settings }) => {
  app.post(
    '/webhooks/:id/secrets',
    {
      schema: {
        tags: ['webhooks'],
        summary: 'Rotate the secret',
        description: 'The new secret is shown in this answer only. Messages are signed with the ones before too, until they expire.',
        security: [{ bearer: [] }],
        params: WebhookParams,
        body: Type.Union([NewWebhookSecretSchema, Type.Null()], { examples: [{ overlapSeconds: 86_400 }] }),
        response: { 201: WebhookSecretSchema, ...errorResponses(404, 409) },
      },
      config: { access: { who: CLIENTS, scope: 'webhooks:manage', audit: 'webhook.rotate-secret' } },
    },
    async (request, reply) => {
      const endpoint = await ownEndpoint(database, request, request.params.id);
      const secret = makeWebhookSecret();
      const now = new Date();
      const { overlapSeconds } = request.body ?? {};
      const overlapMs = overlapSeconds === undefined ? settings.webhooks.secretOverlapHours * HOUR_MS : overlapSeconds * 1_000;
      const seal = (id: number) => sealWebhookSecret(webhookKey, id, secret);
      const live = await addSecret(database, endpoint.id, { seal, overlapEndsAt: new Date(now.getTime() + overlapMs), liveMax: LIVE_SECRETS_MAX, now });
      if (!live) throw new EngineError('INVALID_STATE', { reason: 'too-many-secrets', maximum: String(LIVE_SECRETS_MAX) });
      request.audit.after({ liveSigningKeys: live.length, overlapSeconds: overlapMs / 1_000 });
      request.log.info({ accountId: accountOf(request).id, webhookId: endpoint.id }, 'webhook secret rotated');
      return reply.code(201).send({ secret, secrets: secretsView(live) });
    },
  );
};
