import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import type { TestAccount } from '../api.testkit.ts';
import { signatureHeaders, type ApiKeyCredentials } from '../client/sign-request.ts';

export interface SignedCall {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  url?: string;
  /** JSON text */
  body?: string;
  headers?: Record<string, string>;
  remoteAddress?: string;
  /** when it was signed */
  at?: Date;
}

/** The key an account makes over HTTP. */
export async function makeKey(app: FastifyInstance, account: TestAccount, key: object = {}): Promise<ApiKeyCredentials & { id: number }> {
  const response = await app.inject({ method: 'POST', url: '/api-keys', headers: { authorization: account.bearer }, payload: { name: 'test', ...key } });
  if (response.statusCode !== 201) throw new Error(response.body);
  return response.json<ApiKeyCredentials & { id: number }>();
}

/** A call with everything that a client would send, ready to be sent, or changed first. */
export async function signedCall(key: ApiKeyCredentials, { method = 'GET', url = '/withdrawals', body, headers = {}, remoteAddress, at }: SignedCall = {}) {
  const signature = await signatureHeaders({ method, url: `http://api.test${url}`, body: body === undefined ? undefined : new TextEncoder().encode(body), idempotencyKey: headers['idempotency-key'] }, key, at);
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  return { method, url, headers: { ...type, ...headers, ...signature } as Record<string, string>, ...(body !== undefined && { payload: body }), ...(remoteAddress !== undefined && { remoteAddress }) };
}

/** Signs and sends. */
export async function callWith(app: FastifyInstance, key: ApiKeyCredentials, call: SignedCall = {}): Promise<LightMyRequestResponse> {
  return app.inject(await signedCall(key, call));
}
