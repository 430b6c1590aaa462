import type { WebhookAttemptRow, WebhookDeliveryRow } from '../../db/repositories/webhooks/webhook-deliveries.ts';
import type { WebhookEndpointRow, WebhookSecretRow } from '../../db/repositories/webhooks/webhook-endpoints.ts';
import type { WebhookDeliveryView, WebhookView } from '../schemas/webhook.ts';

const isoOrNull = (time: Date | null): string | null => time?.toISOString() ?? null;

/** When secrets came and when they go; never the secrets. */
export function secretsView(secrets: readonly WebhookSecretRow[]): WebhookView['secrets'] {
  return secrets.map(({ createdAt, expiresAt }) => ({ createdAt: createdAt.toISOString(), expiresAt: isoOrNull(expiresAt) }));
}

/** @param secrets live ones, of any endpoints */
export function webhookView(row: WebhookEndpointRow, secrets: readonly WebhookSecretRow[]): WebhookView {
  return {
    id: row.id,
    ownerId: row.ownerId,
    url: row.url,
    description: row.description,
    events: row.events,
    enabled: row.offAt === null,
    disabledReason: row.offReason,
    disabledAt: isoOrNull(row.offAt),
    failingSince: isoOrNull(row.failingSince),
    secrets: secretsView(secrets.filter(({ endpointId }) => endpointId === row.id)),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export function deliveryView(delivery: WebhookDeliveryRow, lastAttempt: WebhookAttemptRow | null): WebhookDeliveryView {
  return {
    id: delivery.id,
    webhookId: delivery.messageId,
    type: delivery.type,
    requestId: delivery.requestId,
    status: delivery.state,
    attempts: delivery.attempts,
    nextAttemptAt: isoOrNull(delivery.nextAttemptAt),
    lastAttempt: lastAttempt && {
      startedAt: lastAttempt.startedAt.toISOString(),
      durationMs: lastAttempt.durationMs,
      statusCode: lastAttempt.statusCode,
      error: lastAttempt.error,
      response: lastAttempt.response,
    },
    createdAt: delivery.createdAt.toISOString(),
    endedAt: isoOrNull(delivery.endedAt),
  };
}
