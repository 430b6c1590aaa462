import { OpsError } from './ops-error.ts';

const TIMEOUT_MS = 15_000;
/** On every answer of the engine's API. */
const CORRELATION_HEADER = 'x-correlation-id';

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
    const tookTooLong = error instanceof Error && error.name === 'TimeoutError';
    const what = tookTooLong ? `gave no answer within ${TIMEOUT_MS / 1_000} s, and may have done what was asked: say it again, it counts once.` : 'cannot be reached: start it, or set API_URL.';
    throw new OpsError('unavailable', `the API at ${baseUrl} ${what}`, { cause: error });
  });
  const answer = (await response.json().catch(() => null)) as (T & { error?: { code: string; message: string } }) | null;
  const isOurs = answer !== null && response.headers.has(CORRELATION_HEADER);
  if (isOurs && response.ok) return answer;
  const isAway = response.status >= 500 || response.status === 429;
  // Something else that listens there may answer 200 to anything: nobody's word was taken by it.
  if (!isOurs && !isAway) throw new OpsError('usage', `what answers at ${baseUrl} is not the engine's API (HTTP ${response.status}): check API_URL.`);
  throw new OpsError(isAway ? 'unavailable' : 'refused', `${answer?.error?.code ?? `HTTP ${response.status}`}: ${answer?.error?.message ?? 'the API gave no reason'}`);
}
