import { randomBytes } from 'node:crypto';
import type { LightMyRequestResponse } from 'fastify';
import { startTestApi, type TestAccount, type TestApi } from '../../api/api.testkit.ts';
import type { TestEngine } from './engine.ts';

export interface CallOptions {
  /** an ADMIN unless told otherwise */
  by?: TestAccount;
  language?: string;
}

/** The API in front of a whole engine, as operators and clients call it. */
export interface EngineApi extends Pick<TestApi, 'user' | 'admin' | 'approver' | 'logText' | 'close'> {
  get(url: string, options?: CallOptions): Promise<LightMyRequestResponse>;
  /** with an idempotency key of its own */
  post(url: string, body?: object, options?: CallOptions): Promise<LightMyRequestResponse>;
}

/** The API on the engine's database, Redis and Temporal; or, with an address of its own, on a Temporal that may be away. */
export async function startEngineApi(engine: TestEngine, options: { temporalAddress?: string } = {}): Promise<EngineApi> {
  const api = await startTestApi({ engine, ...options });
  const headersOf = ({ by = api.admin, language = 'en' }: CallOptions = {}) => ({ authorization: by.bearer, 'accept-language': language, 'idempotency-key': randomBytes(8).toString('hex') });
  return {
    user: api.user,
    admin: api.admin,
    approver: api.approver,
    logText: api.logText,
    close: api.close,
    get: (url, call) => api.app.inject({ method: 'GET', url, headers: headersOf(call) }),
    post: (url, body, call) => api.app.inject({ method: 'POST', url, headers: headersOf(call), ...(body && { payload: body }) }),
  };
}
