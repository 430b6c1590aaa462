import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { createEndpoint, listLiveSecrets } from '../../../db/repositories/webhooks/webhook-endpoints.ts';
import { makeWebhookSecret, sealWebhookSecret } from '../../../db/webhook-secret-seal.ts';
import { EngineError } from '../../../domain/errors.ts';
import { parseWebhookUrl } from '../../../domain/webhook-url.ts';
import { CLIENTS } from '../../access.ts';
import { webhookState } from '../../audit/states.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { NewWebhookSchema, WebhookWithSecretSchema } from '../../schemas/webhook.ts';
import type { WebhookRoutes } from '../../webhooks/routes.ts';
import { webhookView } from '../../webhooks/view.ts';

/** `POST /webhooks`: a receiver of the caller's own withdrawals. Not idempotent: each call makes an endpoint with a secret of its own. */
export const createWebhook: FastifyPluginAsyncTypebox<WebhookRoutes> = async (app, { database, webhookKey, settings }) => {
  app.post(
    '/webhooks',
    {
      schema: {
        tags: ['webhooks'],
        summary: 'Be told of status changes',
        description:
          'Messages (`WebhookMessage`) are signed and retried by Standard Webhooks. They arrive at least once, in any order: tell them apart by `webhook-id`. ' +
          'Answer with 2xx; 410 switches the endpoint off. The secret is shown in this answer only.',
        security: [{ bearer: [] }],
        body: NewWebhookSchema,
        response: { 201: WebhookWithSecretSchema, ...errorResponses(409) },
      },
      config: { access: { who: CLIENTS, scope: 'webhooks:manage', audit: 'webhook.create' } },
    },
    async (request, reply) => {
      const { id: ownerId } = accountOf(request);
      const { events = null, description = '' } = request.body;
      const url = parseWebhookUrl(request.body.url, settings.webhooks);
      const secret = makeWebhookSecret();
      const now = new Date();
      const options = { seal: (id: number) => sealWebhookSecret(webhookKey, id, secret), perOwnerMax: settings.webhooks.endpointsPerOwnerMax, now };
      const endpoint = await createEndpoint(database, { ownerId, url, description, events }, options);
      if (!endpoint) throw new EngineError('INVALID_STATE', { reason: 'too-many-webhooks', maximum: String(settings.webhooks.endpointsPerOwnerMax) });
      request.audit.target(endpoint.id);
      request.audit.after(webhookState(endpoint));
      request.log.info({ accountId: ownerId, webhookId: endpoint.id, host: new URL(url).host }, 'webhook created');
      return reply.code(201).send({ ...webhookView(endpoint, await listLiveSecrets(database, [endpoint.id], now)), secret });
    },
  );
};
