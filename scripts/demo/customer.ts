import { createApiClient, type ApiClient } from '../../api/client/client.ts';
import type { components } from '../../api/client/schema.ts';
import type { Credentials } from '../sandbox/credentials.ts';

export type WithdrawalView = components['schemas']['Withdrawal'];

/** A customer's backend: it signs each request with an API key of its own. */
export interface Customer {
  withdraw(payment: { amount: string; currency: string; toAddress: string }, idempotencyKey: string): Promise<WithdrawalView>;
  withdrawal(requestId: string): Promise<WithdrawalView>;
  /** revokes the key */
  leave(): Promise<void>;
}

/** An hour is enough for what uses this, should it die before it leaves. */
const KEY_LASTS_MS = 3_600_000;
/** About a minute in all: a crashed API is back by then. */
const TRIES_MAX = 20;

/** Signs in to make the key, and again to revoke it. Called twice, there are two keys. Throws where the API says no. */
export async function openCustomer({ baseUrl, user: { email, password } }: Pick<Credentials, 'baseUrl' | 'user'>): Promise<Customer> {
  const signIn = async (): Promise<ApiClient> => {
    const { accessToken } = answerOf(await createApiClient({ baseUrl, language: 'en' }).POST('/auth/login', { body: { email, password } }));
    return createApiClient({ baseUrl, language: 'en', credentials: { accessToken } });
  };
  const expiresAt = new Date(Date.now() + KEY_LASTS_MS).toISOString();
  const key = answerOf(await (await signIn()).POST('/api-keys', { body: { name: 'demo', scopes: ['withdrawals:read', 'withdrawals:create'], expiresAt } }));
  const api = createApiClient({ baseUrl, language: 'en', credentials: key, triesMax: TRIES_MAX });
  return {
    withdraw: async (payment, idempotencyKey) => answerOf(await api.POST('/withdrawals', { params: { header: { 'idempotency-key': idempotencyKey } }, body: { ...payment, network: 'polygon-amoy' } })),
    withdrawal: async (requestId) => answerOf(await api.GET('/withdrawals/{requestId}', { params: { path: { requestId } } })),
    leave: async () => {
      answerOf(await (await signIn()).DELETE('/api-keys/{id}', { params: { path: { id: String(key.id) } } }));
    },
  };
}

interface Answer<T> {
  data?: T;
  error?: components['schemas']['Error'];
  response: Response;
}

function answerOf<T>({ data, error, response }: Answer<T>): T {
  if (!response.ok) throw new Error(`the API answered ${error?.error.code ?? response.status}: ${error?.error.message ?? ''}`);
  return data as T;
}
