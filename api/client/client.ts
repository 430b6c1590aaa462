import createClient, { type Client } from 'openapi-fetch';
import { insistingFetch } from './insist.ts';
import type { paths } from './schema.ts';
import { signatureHeaders, type ApiKeyCredentials } from './sign-request.ts';

export type ApiClient = Client<paths>;

export interface ApiClientOptions {
  /** such as `http://127.0.0.1:3000` */
  baseUrl: string;
  /** an API key, or the access token of a session; neither: what anyone may call */
  credentials?: ApiKeyCredentials | { accessToken: string };
  /** of messages; Korean unless told otherwise */
  language?: 'ko' | 'en';
  triesMax?: number;
  timeoutMs?: number;
  waitMs?: number;
}

/**
 * A typed client of the API: every call of its OpenAPI document by method and path. Signs with an API key, and repeats what may
 * be repeated until it is answered (see `insistingFetch`). A refusal is an answer: `error` and `response` say it, nothing throws.
 * @example
 * const api = createApiClient({ baseUrl, credentials: { keyId, secret } });
 * const { data, error } = await api.POST('/withdrawals', { params: { header: { 'idempotency-key': orderId } }, body });
 */
export function createApiClient(options: ApiClientOptions): ApiClient {
  const { baseUrl, credentials, language, triesMax = 8, timeoutMs = 10_000, waitMs = 250 } = options;
  const authorize = async (request: Request, body: Uint8Array<ArrayBuffer>): Promise<Record<string, string>> => {
    if (credentials === undefined) return {};
    if ('accessToken' in credentials) return { authorization: `Bearer ${credentials.accessToken}` };
    const { method, url, headers } = request;
    return signatureHeaders({ method, url, body, idempotencyKey: headers.get('idempotency-key') ?? undefined }, credentials);
  };
  return createClient<paths>({ baseUrl, fetch: insistingFetch({ authorize, triesMax, timeoutMs, waitMs }), ...(language && { headers: { 'accept-language': language } }) });
}
