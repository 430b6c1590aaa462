import { componentsOf, coverageOf, signatureBase } from './signature-base.ts';

/** What `POST /api-keys` answered with. */
export interface ApiKeyCredentials {
  keyId: string;
  secret: string;
}

export interface RequestToSign {
  method: string;
  url: string;
  /** exactly the bytes that are sent; left out or empty: no body */
  body?: Uint8Array<ArrayBuffer> | undefined;
  /** exactly the header that is sent */
  idempotencyKey?: string | undefined;
}

const encoder = new TextEncoder();

/**
 * The headers that sign a request with an API key: HTTP message signature (RFC 9421, hmac-sha256) over method, path, query,
 * time, nonce, and the digest of the body (RFC 9530). They work once and for half a minute: sign again for every try.
 * @param at our time; the API's is in the `Date` of its answers
 */
export async function signatureHeaders(request: RequestToSign, { keyId, secret }: ApiKeyCredentials, at: Date = new Date()): Promise<Record<string, string>> {
  const { pathname, search } = new URL(request.url);
  const { method, body, idempotencyKey } = request;
  const contentDigest = body === undefined || body.length === 0 ? undefined : `sha-256=:${base64(await crypto.subtle.digest('SHA-256', body))}:`;
  const components = componentsOf({ method, path: pathname, query: search === '' ? '?' : search, contentDigest, idempotencyKey });
  const nonce = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const parameters = `${coverageOf(components)};created=${Math.floor(at.getTime() / 1_000)};nonce="${nonce}";keyid="${keyId}";alg="hmac-sha256"`;
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signature = await crypto.subtle.sign('HMAC', key, encoder.encode(signatureBase(components, parameters)));
  return { ...(contentDigest !== undefined && { 'content-digest': contentDigest }), 'signature-input': `sig=${parameters}`, signature: `sig=:${base64(signature)}:` };
}

function base64(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}
