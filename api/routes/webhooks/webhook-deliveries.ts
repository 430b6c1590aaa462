import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { pageDeliveries, redeliver } from '../../../db/repositories/webhooks/webhook-deliveries.ts';
import { EngineError } from '../../../domain/errors.ts';
import { CLIENTS } from '../../access.ts';
import { accountOf } from '../../plugins/authentication.ts';
import { errorResponses } from '../../schemas/error.ts';
import { WEBHOOK_LIMIT_DEFAULT, WebhookDeliveryListSchema, WebhookDeliveryParams, WebhookDeliveryQuery, WebhookDeliverySchema, WebhookParams } from '../../schemas/webhook.ts';
import { decodeIdCursor, encodeIdCursor } from '../../webhooks/id-cursor.ts';
import { ownEndpoint } from '../../webhooks/own-endpoint.ts';
import type { WebhookRoutes } from '../../webhooks/routes.ts';
import { deliveryView } from '../../webhooks/view.ts';

/** `GET /webhooks/:id/deliveries` and `POST /webhooks/:id/deliveries/:deliveryId/redeliver`. */
export const webhookDeliveryRoutes: FastifyPluginAsyncTypebox<WebhookRoutes> = async (app, { database }) => {
  app.get(
    '/webhooks/:id/deliveries',
    {
      schema: {
        tags: ['webhooks'],
        summary: 'What was sent to a webhook, newest first',
        description: 'Each message with its number of attempts and the last answer.',
        security: [{ bearer: [] }],
        params: WebhookParams,
        querystring: WebhookDeliveryQuery,
        response: { 200: WebhookDeliveryListSchema, ...errorResponses(404) },
      },
      config: { access: { who: CLIENTS, scope: 'webhooks:manage' } },
    },
    async (request) => {
      const { status, cursor, limit = WEBHOOK_LIMIT_DEFAULT } = request.query;
      const before = cursor === undefined ? undefined : decodeIdCursor(cursor);
      const endpoint = await ownEndpoint(database, request, request.params.id);
      const { rows, next } = await pageDeliveries(database, { endpointId: endpoint.id, state: status, before, limit });
      return { items: rows.map(({ delivery, lastAttempt }) => deliveryView(delivery, lastAttempt)), nextCursor: next === null ? null : encodeIdCursor(next) };
    },
  );
  app.post(
    '/webhooks/:id/deliveries/:deliveryId/redeliver',
    {
      schema: {
        tags: ['webhooks'],
        summary: 'Send a message again',
        description: 'With the same `webhook-id` and body, and the whole schedule of attempts anew. 409 while it is under way, or the webhook is switched off.',
        security: [{ bearer: [] }],
        params: WebhookDeliveryParams,
        response: { 202: WebhookDeliverySchema, ...errorResponses(404, 409) },
      },
      config: { access: { who: CLIENTS, scope: 'webhooks:manage', audit: 'webhook.redeliver' } },
    },
    async (request, reply) => {
      const { id, deliveryId } = request.params;
      const endpoint = await ownEndpoint(database, request, id);
      if (endpoint.offAt !== null) throw new EngineError('INVALID_STATE', { reason: 'webhook-off' });
      const result = await redeliver(database, endpoint.id, Number(deliveryId), new Date());
      if (result === 'not-found') throw new EngineError('NOT_FOUND', { delivery: deliveryId });
      if (result === 'under-way') throw new EngineError('INVALID_STATE', { reason: 'under-way' });
      request.audit.target(result.id, 'webhook-delivery');
      request.audit.after({ status: result.state, attempts: result.attempts });
      request.log.info({ accountId: accountOf(request).id, webhookId: endpoint.id, deliveryId: result.id }, 'redelivery requested');
      return reply.code(202).send(deliveryView(result, null));
    },
  );
};
