import { randomBytes } from 'node:crypto';
import { openText, sealText } from './sealed-text.ts';

/** Webhook secrets as they are stored: sealed for their endpoint under a key that only the API and the withdrawal worker are given. */

const SECRET_BYTES = 32;
const SECRET = /^whsec_[A-Za-z0-9+/]{43}=$/;

/** A secret as its owner is shown it: `whsec_` and 32 random bytes in base64 (Standard Webhooks, "Signature scheme"). */
export function makeWebhookSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** Seals a secret for its endpoint. Called twice it gives two different texts, both of which open. */
export function sealWebhookSecret(key: Uint8Array, endpointId: number, secret: string): string {
  if (!SECRET.test(secret)) throw new Error('not a webhook secret');
  return sealText(key, boundTo(endpointId), secret);
}

/** Opens a sealed secret; null when the key or the endpoint is another, or a byte was changed. */
export function openWebhookSecret(key: Uint8Array, endpointId: number, sealed: string): string | null {
  return openText(key, boundTo(endpointId), sealed);
}

const boundTo = (endpointId: number): string => `webhook-secret/1|${endpointId}`;
