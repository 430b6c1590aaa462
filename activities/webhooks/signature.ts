import { createHmac } from 'node:crypto';

/**
 * The headers that prove a message (Standard Webhooks 1.0.0): HMAC-SHA-256 of `id.timestamp.body` under each live secret, so that a
 * receiver finds the one it knows while secrets are rotated.
 * @param secrets `whsec_` and base64
 * @param body as it is sent, byte for byte
 */
export function signedHeaders(messageId: string, sentAt: Date, body: string, secrets: readonly string[]): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(sentAt.getTime() / 1_000));
  const signed = `${messageId}.${timestamp}.${body}`;
  const signatures = secrets.map((secret) => `v1,${createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64')).update(signed, 'utf8').digest('base64')}`);
  return { 'webhook-id': messageId, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
