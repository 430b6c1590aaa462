/** `PENDING` until a receiver has taken the message, or every attempt has failed. */
export const DELIVERY_STATES = ['PENDING', 'DELIVERED', 'FAILED'] as const;

/** Why an endpoint gets nothing: its owner said so, the receiver answered 410, or it has failed for too long. */
export const WEBHOOK_OFF_REASONS = ['OWNER', 'GONE', 'FAILING'] as const;
export type WebhookOffReason = (typeof WEBHOOK_OFF_REASONS)[number];

/** Why an attempt got no answer. */
export const ATTEMPT_ERRORS = [
  /** no address for the name */
  'NAME_NOT_FOUND',
  /** one of its addresses is private, or the URL is not allowed any more */
  'ADDRESS_REFUSED',
  'CONNECTION_FAILED',
  'TLS_FAILED',
  'TIMED_OUT',
  /** nothing was sent: the endpoint is switched off */
  'ENDPOINT_OFF',
  /** nothing was sent: no secret of the endpoint opens */
  'SECRET_UNREADABLE',
] as const;
export type AttemptError = (typeof ATTEMPT_ERRORS)[number];

/** What came back from a receiver: an HTTP status, or why there is none. */
export type AttemptAnswer = { statusCode: number; retryAfterMs: number | null } | { error: AttemptError };

export type AttemptVerdict = { kind: 'delivered' } | { kind: 'retry'; waitMs: number } | { kind: 'exhausted' } | { kind: 'gone' };

/** A receiver's Retry-After delays the next attempt by no more than this. */
const RETRY_AFTER_MS_MAX = 60 * 60_000;
/** So that what failed together does not come back together. */
const JITTER_MAX = 0.2;
const THROTTLED = [429, 503];

/**
 * What an attempt means for its delivery: 2xx is delivered, 410 ends the endpoint, anything else is tried again by the schedule.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * @param failures attempts failed before this one
 * @param waitsSeconds the waits between attempts; one more attempt than waits is made
 * @param random 0 to 1
 */
export function judgeAttempt(answer: AttemptAnswer, failures: number, waitsSeconds: readonly number[], random: number): AttemptVerdict {
  const statusCode = 'statusCode' in answer ? answer.statusCode : 0;
  if (statusCode >= 200 && statusCode <= 299) return { kind: 'delivered' };
  if (statusCode === 410) return { kind: 'gone' };
  const waitSeconds = waitsSeconds[failures];
  if (waitSeconds === undefined) return { kind: 'exhausted' };
  const scheduledMs = Math.round(waitSeconds * 1_000 * (1 + JITTER_MAX * random));
  const askedMs = 'statusCode' in answer && THROTTLED.includes(statusCode) ? Math.min(answer.retryAfterMs ?? 0, RETRY_AFTER_MS_MAX) : 0;
  return { kind: 'retry', waitMs: Math.max(scheduledMs, askedMs) };
}

/** `Retry-After` in milliseconds from `now`: seconds or an HTTP date (RFC 9110, 10.2.3); null for anything else. */
export function retryAfterMs(header: string | undefined, now: Date): number | null {
  if (header === undefined) return null;
  if (/^[0-9]{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = header.endsWith(' GMT') ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - now.getTime());
}

/** The workflow of a delivery. Each round, the first and every redelivery, is one of its own. */
export function deliveryWorkflowIdOf(deliveryId: number, round: number): string {
  return `webhook-${deliveryId}-${round}`;
}
