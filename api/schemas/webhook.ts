import { Type, type Static } from 'typebox';
import { ERROR_CODES } from '../../domain/errors.ts';
import { NETWORK_NAMES } from '../../domain/networks.ts';
import { OUTCOMES, WITHDRAWAL_STATUSES } from '../../domain/status.ts';
import { WEBHOOK_EVENT_TYPES } from '../../domain/webhook-events.ts';
import { ATTEMPT_ERRORS, DELIVERY_STATES, WEBHOOK_OFF_REASONS } from '../../domain/webhooks.ts';
import { nullable, oneOf } from './nullable.ts';
import { withdrawalExample } from './withdrawal.ts';

const time = Type.String({ format: 'date-time', examples: ['2026-11-24T04:20:00.000Z'] });
const id = Type.Integer({ examples: [7] });
const url = Type.String({ minLength: 1, maxLength: 2_048, description: 'https; resolves to public addresses only', examples: ['https://shop.example.com/hooks/withdrawals'] });
const description = Type.String({ maxLength: 255, examples: ['production'] });
const events = Type.Array(oneOf(WEBHOOK_EVENT_TYPES), { minItems: 1, uniqueItems: true, maxItems: WEBHOOK_EVENT_TYPES.length, description: 'Which events to send; left out or null: all, also those of later versions' });
const secret = Type.String({ description: 'Shown this once. Standard Webhooks: verify `webhook-signature` with it.', examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='] });

const endpointExample = {
  id: 7,
  ownerId: 3,
  url: 'https://shop.example.com/hooks/withdrawals',
  description: 'production',
  events: ['withdrawal.completed', 'withdrawal.failed'],
  enabled: true,
  disabledReason: null,
  disabledAt: null,
  failingSince: null,
  secrets: [{ createdAt: '2026-11-24T04:20:00.000Z', expiresAt: null }],
  createdAt: '2026-11-24T04:20:00.000Z',
  updatedAt: '2026-11-24T04:20:00.000Z',
};
const secretExample = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';

const endpointFields = {
  id,
  ownerId: Type.Integer({ examples: [3] }),
  url: Type.String(),
  description: Type.String(),
  events: Type.Unsafe<string[] | null>({ type: ['array', 'null'], items: { type: 'string' }, description: 'null: all' }),
  enabled: Type.Boolean(),
  disabledReason: nullable(oneOf(WEBHOOK_OFF_REASONS, { description: 'OWNER: by PATCH. GONE: it answered 410. FAILING: it failed for too long.' })),
  disabledAt: nullable(time),
  failingSince: nullable(Type.String({ description: 'The first failed attempt after the last success; null while it answers' })),
  secrets: Type.Array(Type.Object({ createdAt: time, expiresAt: nullable(time) }), { description: 'Those that messages are signed with, newest first' }),
  createdAt: time,
  updatedAt: time,
};

export const WebhookSchema = Type.Object(endpointFields, { $id: 'Webhook', examples: [endpointExample] });
export type WebhookView = Static<typeof WebhookSchema>;

export const WebhookWithSecretSchema = Type.Object({ ...endpointFields, secret }, { $id: 'WebhookWithSecret', examples: [{ ...endpointExample, secret: secretExample }] });

export const WebhookListSchema = Type.Object({ items: Type.Array(Type.Unsafe<WebhookView>(Type.Ref('Webhook'))), nextCursor: nullable(Type.String()) }, { $id: 'WebhookList', examples: [{ items: [endpointExample], nextCursor: null }] });

export const NewWebhookSchema = Type.Object(
  { url, events: Type.Optional(events), description: Type.Optional(description) },
  { additionalProperties: false, $id: 'NewWebhook', examples: [{ url: endpointExample.url, events: endpointExample.events, description: 'production' }] },
);

export const WebhookChangesSchema = Type.Object(
  {
    url: Type.Optional(url),
    events: Type.Optional(Type.Union([events, Type.Null()])),
    description: Type.Optional(description),
    enabled: Type.Optional(Type.Boolean({ description: 'true also ends what a failing endpoint was switched off for' })),
  },
  { additionalProperties: false, minProperties: 1, $id: 'WebhookChanges', examples: [{ enabled: true }] },
);

export const NewWebhookSecretSchema = Type.Object(
  { overlapSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 604_800, description: 'How long messages are also signed with the secrets before; 0 ends them at once' })) },
  { additionalProperties: false, $id: 'NewWebhookSecret', examples: [{ overlapSeconds: 86_400 }] },
);

export const WebhookSecretSchema = Type.Object(
  { secret, secrets: endpointFields.secrets },
  { $id: 'WebhookSecret', examples: [{ secret: secretExample, secrets: [{ createdAt: '2026-11-25T04:20:00.000Z', expiresAt: null }, { createdAt: '2026-11-24T04:20:00.000Z', expiresAt: '2026-11-26T04:20:00.000Z' }] }] },
);

const deliveryExample = {
  id: 5120,
  webhookId: 'msg-5f2b8c0d9e1a4b7c6d3e2f10',
  type: 'withdrawal.completed',
  requestId: 'tx-1795494000000-0123456789abcdef0123',
  status: 'DELIVERED',
  attempts: 2,
  nextAttemptAt: null,
  lastAttempt: { startedAt: '2026-11-24T04:20:21.093Z', durationMs: 84, statusCode: 204, error: null, response: '' },
  createdAt: '2026-11-24T04:20:09.412Z',
  endedAt: '2026-11-24T04:20:21.177Z',
};

export const WebhookDeliverySchema = Type.Object(
  {
    id,
    webhookId: Type.String({ description: 'The header `webhook-id`: the same for every attempt and redelivery' }),
    type: oneOf(WEBHOOK_EVENT_TYPES),
    requestId: Type.String(),
    status: oneOf(DELIVERY_STATES, { description: 'PENDING: under way. FAILED: every attempt failed, or the endpoint was off.' }),
    attempts: Type.Integer({ description: 'Requests made so far, redeliveries included' }),
    nextAttemptAt: nullable(time),
    lastAttempt: Type.Unsafe<{ startedAt: string; durationMs: number; statusCode: number | null; error: string | null; response: string | null } | null>({
      type: ['object', 'null'],
      properties: {
        startedAt: time,
        durationMs: Type.Integer(),
        statusCode: nullable(Type.Integer({ description: 'Of the receiver; null when there was no answer' })),
        error: nullable(oneOf(ATTEMPT_ERRORS)),
        response: nullable(Type.String({ description: "How the answer's body begins" })),
      },
      required: ['startedAt', 'durationMs', 'statusCode', 'error', 'response'],
    }),
    createdAt: time,
    endedAt: nullable(time),
  },
  { $id: 'WebhookDelivery', examples: [deliveryExample] },
);
export type WebhookDeliveryView = Static<typeof WebhookDeliverySchema>;

export const WebhookDeliveryListSchema = Type.Object({ items: Type.Array(Type.Unsafe<WebhookDeliveryView>(Type.Ref('WebhookDelivery'))), nextCursor: nullable(Type.String()) }, { $id: 'WebhookDeliveryList', examples: [{ items: [deliveryExample], nextCursor: null }] });

/** A message has no language: see `withdrawalFacts`. */
const { explorerUrl: _explorerUrl, errorMessage: _errorMessage, ...toldExample } = withdrawalExample;

/** What a receiver gets. Published with the API, and not served by it. */
export const WebhookMessageSchema = Type.Object(
  {
    type: oneOf(WEBHOOK_EVENT_TYPES),
    timestamp: Type.String({ format: 'date-time', description: 'When it happened' }),
    eventId: Type.Integer({ description: 'Grows with each event of one withdrawal: messages may arrive in any order' }),
    data: Type.Object({
      requestId: Type.String(),
      status: oneOf(WITHDRAWAL_STATUSES),
      outcome: oneOf(OUTCOMES),
      amount: Type.String(),
      currency: Type.String(),
      toAddress: Type.String(),
      tokenAddress: nullable(Type.String()),
      network: oneOf(NETWORK_NAMES),
      txHash: nullable(Type.String()),
      errorCode: nullable(oneOf(ERROR_CODES)),
      retryable: Type.Boolean(),
      createdAt: time,
      updatedAt: time,
      completedAt: nullable(time),
    }),
  },
  {
    $id: 'WebhookMessage',
    examples: [
      {
        type: 'withdrawal.completed',
        timestamp: '2026-11-24T04:20:09.412Z',
        eventId: 1214,
        data: toldExample,
      },
    ],
  },
);

const pathId = Type.String({ pattern: '^[1-9][0-9]{0,14}$', examples: ['7'] });
export const WebhookParams = Type.Object({ id: pathId });
export const WebhookDeliveryParams = Type.Object({ id: pathId, deliveryId: pathId });

const WEBHOOK_LIMIT_MAX = 100;
export const WEBHOOK_LIMIT_DEFAULT = 20;
const page = {
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'nextCursor of the page before' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: WEBHOOK_LIMIT_MAX, default: WEBHOOK_LIMIT_DEFAULT })),
};
export const WebhookListQuery = Type.Object(page, { additionalProperties: false });
export const WebhookDeliveryQuery = Type.Object({ status: Type.Optional(oneOf(DELIVERY_STATES)), ...page }, { additionalProperties: false });
