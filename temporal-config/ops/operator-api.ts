import { OpsError } from './ops-error.ts';

const TIMEOUT_MS = 15_000;

/** The engine's HTTP API as an operator's session sees it. */
export interface OperatorApi {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: object): Promise<T>;
}

/** How a person is known to the API: a token they already have, or an account to sign in with. */
export type Operator = { token: string } | { email: string; password: string };

/** Signs in where needed. Throws `OpsError`; what the API refuses is said in the API's own sentence. */
export async function openOperatorApi(baseUrl: string, operator: Operator): Promise<OperatorApi> {
  const token = 'token' in operator ? operator.token : (await call<{ accessToken: string }>(baseUrl, null, 'POST', '/auth/login', operator)).accessToken;
  return {
    get: (path) => call(baseUrl, token, 'GET', path),
    post: (path, body) => call(baseUrl, token, 'POST', path, body),
  };
}

async function call<T>(baseUrl: string, token: string | null, method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${baseUrl}${path}`, {
    method,
    headers: { 'accept-language': 'en', ...(token !== null && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: unknown) => {
    throw new OpsError('unavailable', `the API at ${baseUrl} cannot be reached: start it, or set API_URL.`, { cause: error });
  });
  const answer = (await response.json().catch(() => ({}))) as T & { error?: { code: string; message: string } };
  if (response.ok) return answer;
  throw new OpsError(response.status >= 500 || response.status === 429 ? 'unavailable' : 'refused', `${answer.error?.code ?? `HTTP ${response.status}`}: ${answer.error?.message ?? 'the API gave no reason'}`);
}
