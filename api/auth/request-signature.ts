import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { componentsOf, coverageOf, signatureBase } from '../client/signature-base.ts';

/** How far a signature's time may be from ours, either way: what a clock may be wrong by, and a request may take. */
export const SIGNATURE_WINDOW_MS = 30_000;

export interface RequestSignature {
  keyId: string;
  /** 16 to 64 characters of base64url; each works once a key */
  nonce: string;
  signedAt: Date;
  /** base64 */
  signature: string;
  /** the text that was signed */
  base: string;
  /** what `Content-Digest` says of the body; null when none is announced */
  digest: string | null;
}

const INPUT = /^([a-z*][a-z0-9_.*-]{0,31})=((\([a-z@" -]{1,100}\));created=([1-9][0-9]{9});nonce="([A-Za-z0-9_-]{16,64})";keyid="(ak_[0-9a-f]{32})";alg="hmac-sha256")$/;
const SIGNATURE = /^([a-z*][a-z0-9_.*-]{0,31})=:([A-Za-z0-9+/]{43}=):$/;
const DIGEST = /^sha-256=:[A-Za-z0-9+/]{43}=:$/;

/** True for a request that means to be signed. */
export function isSigned(headers: IncomingHttpHeaders): boolean {
  return headers['signature'] !== undefined || headers['signature-input'] !== undefined;
}

/**
 * Reads an HTTP message signature (RFC 9421) in the one form that is accepted: one label; `@method`, `@path` and `@query`, then
 * `content-digest` exactly when there is a body, then `idempotency-key` exactly when it is sent; `created`, `nonce`, `keyid`
 * and `alg` in this order. Null for anything else. Nothing is normalised: what is signed is the request as it stands on the wire.
 */
export function readSignature(request: { method: string; target: string; headers: IncomingHttpHeaders }): RequestSignature | null {
  const { method, target, headers } = request;
  const input = INPUT.exec(textOf(headers['signature-input']));
  const given = SIGNATURE.exec(textOf(headers['signature']));
  const contentDigest = headers['content-digest'];
  if (!input || !given || input[1] !== given[1] || !target.startsWith('/')) return null;
  if (announcesBody(headers) !== (contentDigest !== undefined) || (contentDigest !== undefined && !DIGEST.test(textOf(contentDigest)))) return null;
  const [, , parameters = '', coverage, created = '', nonce = '', keyId = ''] = input;
  const queryAt = target.indexOf('?');
  const components = componentsOf({
    method,
    path: queryAt === -1 ? target : target.slice(0, queryAt),
    query: queryAt === -1 ? '?' : target.slice(queryAt),
    contentDigest: contentDigest === undefined ? undefined : textOf(contentDigest),
    idempotencyKey: headers['idempotency-key'] === undefined ? undefined : textOf(headers['idempotency-key']),
  });
  if (coverage !== coverageOf(components)) return null;
  return {
    keyId,
    nonce,
    signedAt: new Date(Number(created) * 1_000),
    signature: given[2] ?? '',
    base: signatureBase(components, parameters),
    digest: contentDigest === undefined ? null : textOf(contentDigest),
  };
}

/** True when the signature was made near `now`. */
export function isTimely({ signedAt }: RequestSignature, now: Date): boolean {
  return Math.abs(now.getTime() - signedAt.getTime()) <= SIGNATURE_WINDOW_MS;
}

/** True when the signature was made with this secret. Compares every byte whatever the first difference. */
export function signatureHolds({ signature, base }: Pick<RequestSignature, 'signature' | 'base'>, secret: string | Uint8Array): boolean {
  // As text: another base64 spelling of the same bytes is another signature.
  const expected = Buffer.from(createHmac('sha256', secret).update(base, 'utf8').digest('base64'));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Whether bytes of a body will follow the header (RFC 9112, 6.3). */
function announcesBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** A header sent several times is none of the forms here: the comma that joins it gives it away. */
function textOf(header: string | string[] | undefined): string {
  return Array.isArray(header) ? header.join(', ') : (header ?? '');
}
