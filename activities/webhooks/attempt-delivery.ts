import { ApplicationFailure, asyncLocalStorage } from '@temporalio/activity';
import type { Database } from '../../db/client.ts';
import { findDelivery, recordAttempt, type AddressedDelivery, type AttemptRecord } from '../../db/repositories/webhooks/webhook-deliveries.ts';
import { listLiveSecrets } from '../../db/repositories/webhooks/webhook-endpoints.ts';
import { openWebhookSecret } from '../../db/webhook-secret-seal.ts';
import type { Settings } from '../../domain/settings.ts';
import { judgeAttempt, type AttemptAnswer } from '../../domain/webhooks.ts';
import { failureToTell, startHeartbeats, type ActivityLog } from '../failure.ts';
import type { EndpointSlots } from './endpoint-slots.ts';
import { postMessage, type PostResult } from './post-message.ts';
import type { ResolveHost } from './resolve-host.ts';
import { signedHeaders } from './signature.ts';

export interface AttemptPorts {
  db: Database;
  settings: Settings;
  /** opens the endpoints' secrets */
  webhookKey: Uint8Array;
  slots: EndpointSlots;
  resolveHost: ResolveHost;
  now: () => Date;
  log: ActivityLog;
}

export interface AttemptInput {
  deliveryId: number;
  /** a redelivery is a round of its own: an older one's workflow sends nothing any more */
  round: number;
}

/** `retry`: again after that many ms; `ended`: delivered, given up, or not this workflow's any more. */
export type AttemptResult = { kind: 'retry'; waitMs: number } | { kind: 'ended' };

/** A workflow that was not heard of for this long after its next attempt was due is started again. */
export const RESTART_AFTER_MS = 5 * 60_000;
/** Due times are compared across clocks: earlier than this is early. */
const EARLY_MS = 1_000;
/** Where an endpoint has no slot: again after this, doubled each time. */
const BUSY_MS = 500;
const BUSY_MS_MAX = 60_000;
const HOUR_MS = 3_600_000;

/**
 * Sends a message once and records what came of it. It reads the database first: what has ended, is not due yet, or belongs to another
 * round is not sent. Called twice, or dying between the request and its record, it sends the same id and body again: receivers tell by
 * the id. Failures of the receiver are answers here; only ours (no database) are thrown, and Temporal tries again.
 */
export function makeAttemptDelivery(ports: AttemptPorts) {
  const { db, log } = ports;
  return async (input: AttemptInput): Promise<AttemptResult> => {
    const stopHeartbeats = startHeartbeats();
    try {
      return await attempt(ports, input);
    } catch (error) {
      if (error instanceof ApplicationFailure || isCancelled()) throw error;
      throw failureToTell(log, error, 'a notification could not be attempted: it is tried again', input);
    } finally {
      stopHeartbeats();
    }
  };

  async function attempt({ settings: { webhooks }, now }: AttemptPorts, { deliveryId, round }: AttemptInput): Promise<AttemptResult> {
    const found = await findDelivery(db, deliveryId);
    if (!found || found.delivery.state !== 'PENDING' || found.delivery.round !== round) return { kind: 'ended' };
    const { delivery, endpoint } = found;
    const earlyMs = (delivery.nextAttemptAt?.getTime() ?? 0) - now().getTime();
    if (earlyMs > EARLY_MS) return { kind: 'retry', waitMs: earlyMs };
    if (endpoint.deletedAt !== null || endpoint.offAt !== null) return record(found, { startedAt: now(), durationMs: 0, statusCode: null, error: 'ENDPOINT_OFF', response: null, verdict: { kind: 'off' } });
    const giveBack = ports.slots.take(endpoint.id, endpoint.failingSince !== null);
    if (giveBack === null) throw busy();
    try {
      const startedAt = now();
      const { answer, response } = await post(found, startedAt);
      const verdict = judgeAttempt(answer, delivery.failures, webhooks.retryWaitsSeconds, Math.random());
      const durationMs = Math.max(0, now().getTime() - startedAt.getTime());
      return await record(found, { startedAt, durationMs, ...shownOf(answer), response, verdict });
    } finally {
      giveBack();
    }
  }

  async function post({ delivery, endpoint }: AddressedDelivery, at: Date): Promise<PostResult> {
    const { webhooks } = ports.settings;
    const sealed = await listLiveSecrets(db, [endpoint.id], at);
    const secrets = sealed.map((secret) => openWebhookSecret(ports.webhookKey, endpoint.id, secret.sealed)).filter((secret) => secret !== null);
    if (secrets.length < sealed.length) log.error({ endpointId: endpoint.id }, 'a webhook secret does not open: another key, or a changed row');
    if (secrets.length === 0) return { answer: { error: 'SECRET_UNREADABLE' }, response: null };
    const message = { url: endpoint.url, headers: signedHeaders(delivery.messageId, at, delivery.payload, secrets), body: delivery.payload };
    return postMessage(message, { rules: webhooks, timeoutMs: webhooks.timeoutMs, resolveHost: ports.resolveHost, signal: stoppingSignal() });
  }

  async function record(found: AddressedDelivery, attempted: AttemptRecord): Promise<AttemptResult> {
    const { delivery, endpoint } = found;
    const { webhooks, chain } = ports.settings;
    const now = ports.now();
    const failingSinceBefore = new Date(now.getTime() - webhooks.switchOffAfterHours * HOUR_MS);
    const recorded = await recordAttempt(db, found, attempted, { now, restartAfterMs: RESTART_AFTER_MS, failingSinceBefore, chainId: chain.chainId });
    const { verdict, response: _, startedAt: __, ...shown } = attempted;
    log.info({ endpointId: endpoint.id, deliveryId: delivery.id, webhookId: delivery.messageId, requestId: delivery.requestId, ...shown, verdict: verdict.kind }, 'notification attempted');
    if (recorded === 'switched-off') {
      const level = verdict.kind === 'gone' ? 'info' : 'error';
      log[level]({ endpointId: endpoint.id, ownerId: endpoint.ownerId, host: new URL(endpoint.url).host, because: verdict.kind }, 'a webhook endpoint was switched off');
    }
    // Another execution recorded it: the database says what is next.
    if (recorded === 'stale') return { kind: 'retry', waitMs: EARLY_MS };
    return verdict.kind === 'retry' ? { kind: 'retry', waitMs: verdict.waitMs } : { kind: 'ended' };
  }
}

function shownOf(answer: AttemptAnswer): Pick<AttemptRecord, 'statusCode' | 'error'> {
  return 'error' in answer ? { statusCode: null, error: answer.error } : { statusCode: answer.statusCode, error: null };
}

/** No slot: not the receiver's failure, and nothing to record. Temporal waits, without a word in the history. */
function busy(): ApplicationFailure {
  const tries = asyncLocalStorage.getStore()?.info.attempt ?? 1;
  const delayMs = Math.min(BUSY_MS * 2 ** Math.min(tries - 1, 10), BUSY_MS_MAX) * (1 + Math.random());
  return ApplicationFailure.create({ type: 'WEBHOOK_BUSY', message: 'other messages to this endpoint are under way', nextRetryDelay: delayMs, category: 'BENIGN' });
}

/** Aborts when the worker stops or the workflow is cancelled: the request is then dropped, unrecorded, and made again by whoever is next. */
function stoppingSignal(): AbortSignal {
  return asyncLocalStorage.getStore()?.cancellationSignal ?? new AbortController().signal;
}

function isCancelled(): boolean {
  return asyncLocalStorage.getStore()?.cancellationSignal.aborted === true;
}
