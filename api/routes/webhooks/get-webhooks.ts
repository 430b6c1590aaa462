import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { listLiveSecrets, pageEndpoints } from '../../../db/repositories/webhooks/webhook-endpoints.ts';
import { CLIENTS } from '../../access.ts';
import { errorResponses } from '../../schemas/error.ts';
import { WEBHOOK_LIMIT_DEFAULT, WebhookListQuery, WebhookListSchema, WebhookParams, WebhookSchema } from '../../schemas/webhook.ts';
import { decodeIdCursor, encodeIdCursor } from '../../webhooks/id-cursor.ts';
import { ownEndpoint } from '../../webhooks/own-endpoint.ts';
import type { WebhookRoutes } from '../../webhooks/routes.ts';
import { webhookView } from '../../webhooks/view.ts';
import { visibilityOf } from '../../withdrawals/view-context.ts';

/** `GET /webhooks` and `GET /webhooks/:id`: an owner's own, an ADMIN's all. */
export const getWebhooks: FastifyPluginAsyncTypebox<WebhookRoutes> = async (app, { database }) => {
  app.get(
    '/webhooks',
    {
      schema: { tags: ['webhooks'], summary: 'Webhooks, newest first', description: "An owner's own; an ADMIN's all.", security: [{ bearer: [] }], querystring: WebhookListQuery, response: { 200: WebhookListSchema } },
      config: { access: { who: CLIENTS, scope: 'webhooks:manage' } },
    },
    async (request) => {
      const { cursor, limit = WEBHOOK_LIMIT_DEFAULT } = request.query;
      const before = cursor === undefined ? undefined : decodeIdCursor(cursor);
      const { rows, next } = await pageEndpoints(database, { visibility: visibilityOf(request), before, limit });
      const secrets = await listLiveSecrets(database, rows.map(({ id }) => id), new Date());
      return { items: rows.map((row) => webhookView(row, secrets)), nextCursor: next === null ? null : encodeIdCursor(next) };
    },
  );
  app.get(
    '/webhooks/:id',
    {
      schema: { tags: ['webhooks'], summary: 'One webhook', description: 'With why and since when it is switched off, if it is.', security: [{ bearer: [] }], params: WebhookParams, response: { 200: WebhookSchema, ...errorResponses(404) } },
      config: { access: { who: CLIENTS, scope: 'webhooks:manage' } },
    },
    async (request) => {
      const endpoint = await ownEndpoint(database, request, request.params.id);
      return webhookView(endpoint, await listLiveSecrets(database, [endpoint.id], new Date()));
    },
  );
};
