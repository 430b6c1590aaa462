import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { resolveAlert } from '../../../db/repositories/operations/alerts.ts';
import { changeEndpoint, listLiveSecrets, removeEndpoint, webhookAlertSubject, type WebhookChanges } from '../../../db/repositories/webhooks/webhook-endpoints.ts';
import { transact } from '../../../db/transact.ts';
import { parseWebhookUrl } from '../../../domain/webhook-url.ts';
import { CLIENTS } from '../../access.ts';
import { webhookState } from '../../audit/states.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { WebhookChangesSchema, WebhookParams, WebhookSchema } from '../../schemas/webhook.ts';
import { ownEndpoint } from '../../webhooks/own-endpoint.ts';
import type { WebhookRoutes } from '../../webhooks/routes.ts';
import { webhookView } from '../../webhooks/view.ts';

/** `PATCH /webhooks/:id` and `DELETE /webhooks/:id`. Called twice, each answers as the first time, a DELETE with 404. */
export const changeWebhook: FastifyPluginAsyncTypebox<WebhookRoutes> = async (app, { database, settings }) => {
  app.patch(
    '/webhooks/:id',
    {
      schema: {
        tags: ['webhooks'],
        summary: 'Change a webhook, or switch it on or off',
        description: 'While it is off nothing is written down for it: what happens meanwhile is not sent later. What was under way ends as FAILED and can be redelivered.',
        security: [{ bearer: [] }],
        params: WebhookParams,
        body: WebhookChangesSchema,
        response: { 200: WebhookSchema, ...errorResponses(404) },
      },
      config: { access: { who: CLIENTS, scope: 'webhooks:manage', audit: 'webhook.change' } },
    },
    async (request) => {
      const endpoint = await ownEndpoint(database, request, request.params.id);
      request.audit.before(webhookState(endpoint));
      const { url, events, description, enabled } = request.body;
      const now = new Date();
      const changes: WebhookChanges = {
        // Another receiver has not failed yet.
        ...(url !== undefined && { url: parseWebhookUrl(url, settings.webhooks), failingSince: null }),
        ...(events !== undefined && { events }),
        ...(description !== undefined && { description }),
        ...(enabled === true && { offAt: null, offReason: null, failingSince: null }),
        ...(enabled === false && endpoint.offAt === null && { offAt: now, offReason: 'OWNER' as const }),
      };
      await transact(database, async (tx) => {
        await changeEndpoint(tx, endpoint.id, changes, now);
        if (enabled === true) await resolveAlert(tx, 'WEBHOOK_DISABLED', webhookAlertSubject(endpoint.id));
      });
      request.log.info({ accountId: accountOf(request).id, webhookId: endpoint.id, changed: Object.keys(request.body), ...(enabled !== undefined && { enabled }) }, 'webhook changed');
      const changed = await ownEndpoint(database, request, request.params.id);
      request.audit.after(webhookState(changed));
      return webhookView(changed, await listLiveSecrets(database, [endpoint.id], now));
    },
  );
  app.delete(
    '/webhooks/:id',
    {
      schema: {
        tags: ['webhooks'],
        summary: 'Remove a webhook',
        description: 'Its secrets are gone at once, and nothing more is sent to it, except what is on its way in this very moment.',
        security: [{ bearer: [] }],
        params: WebhookParams,
        response: { 204: Type.Null({ description: 'Removed' }), ...errorResponses(404) },
      },
      config: { access: { who: CLIENTS, scope: 'webhooks:manage', audit: 'webhook.delete' } },
    },
    async (request, reply) => {
      const endpoint = await ownEndpoint(database, request, request.params.id);
      request.audit.before(webhookState(endpoint));
      await transact(database, async (tx) => {
        await removeEndpoint(tx, endpoint.id, new Date());
        await resolveAlert(tx, 'WEBHOOK_DISABLED', webhookAlertSubject(endpoint.id));
      });
      request.log.info({ accountId: accountOf(request).id, webhookId: endpoint.id }, 'webhook removed');
      return reply.code(204).send(null);
    },
  );
};
