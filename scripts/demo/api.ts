import { readFileSync } from 'node:fs';

export interface Credentials {
  baseUrl: string;
  rpcUrl: string;
  user: { email: string; password: string };
  assets: { currency: string; tokenAddress: string | null; decimals: number }[];
}

export interface WithdrawalView {
  requestId: string;
  status: string;
  outcome: string;
  txHash: string | null;
  errorMessage: string | null;
  createdAt: string;
  completedAt: string | null;
}

/** Reads the sandbox's credentials, or says how to get them. */
export function readCredentials(file: string): Credentials {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Credentials;
  } catch (error) {
    throw new Error(`${file} cannot be read: start the sandbox first (npm start -- --detach).`, { cause: error });
  }
}

const RETRY_AFTER_MS = 500;
const TRIES_MAX = 60;

/**
 * One caller of the API, as a customer's backend would be: it signs in, and repeats whatever it got no answer to, with
 * the same idempotency key.
 */
export class ApiClient {
  readonly #credentials: Credentials;
  #accessToken = '';

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  async signIn(): Promise<void> {
    const { email, password } = this.#credentials.user;
    const answer = await this.#send<{ accessToken: string }>('POST', '/auth/login', { email, password });
    this.#accessToken = answer.accessToken;
  }

  async withdraw(payment: { amount: string; currency: string; toAddress: string }, idempotencyKey: string): Promise<WithdrawalView> {
    return this.#send('POST', '/withdrawals', { ...payment, network: 'polygon-amoy' }, { 'idempotency-key': idempotencyKey });
  }

  async withdrawal(requestId: string): Promise<WithdrawalView> {
    return this.#send('GET', `/withdrawals/${requestId}`);
  }

  async #send<T>(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await fetch(`${this.#credentials.baseUrl}${path}`, {
          method,
          headers: { ...headers, 'accept-language': 'en', ...(body && { 'content-type': 'application/json' }), ...(this.#accessToken && { authorization: `Bearer ${this.#accessToken}` }) },
          ...(body && { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(10_000),
        });
        const answer = (await response.json()) as T & { error?: { code: string; message: string; retryable: boolean } };
        if (response.ok) return answer;
        if (response.status === 401 && path !== '/auth/login' && attempt < TRIES_MAX) await this.signIn();
        else if (!answer.error?.retryable || attempt >= TRIES_MAX) throw new Refusal(`${method} ${path}: ${answer.error?.code ?? response.status} ${answer.error?.message ?? ''}`);
      } catch (error) {
        if (error instanceof Refusal || attempt >= TRIES_MAX) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS));
    }
  }
}

/** The API understood and said no: repeating the call would not help. */
class Refusal extends Error {
  override readonly name = 'Refusal';
}
