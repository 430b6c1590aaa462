import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Who may read payloads, as the engine's API says. */
export interface Reader {
  accountId: number;
  email: string;
  role: string;
}

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  /** seconds */
  expiresIn: number;
}

/** An answer of the API that is none: nobody is let in meanwhile. */
export class ApiUnavailable extends Error {
  constructor(cause: unknown) {
    super('The API cannot be asked whether you may read payloads.', { cause });
    this.name = 'ApiUnavailable';
  }
}

/** The calls this server makes to the engine's API. Each is bounded; none is tried again. */
export interface EngineApi {
  /** Judges an access token. What was let in may be let in for up to `REMEMBERED_MS` without a further look, and no longer. Throws ApiUnavailable. */
  readerOf(accessToken: string): Promise<Reader | 'unauthenticated' | 'forbidden'>;
  /** Opens a session. Null: refused, for whatever reason the API may have. */
  signIn(email: string, password: string): Promise<Tokens | null>;
  refresh(refreshToken: string): Promise<Tokens | null>;
  signOut(refreshToken: string): Promise<void>;
}

/** How long a session that was ended, or a role that was taken away, may go unseen here. */
export const REMEMBERED_MS = 5_000;
const TIMEOUT_MS = 5_000;
const REMEMBERED_MAX = 1_000;

export function connectEngineApi(apiUrl: URL): EngineApi {
  const readers = new LRUCache<string, Reader>({ max: REMEMBERED_MAX, ttl: REMEMBERED_MS, ttlResolution: 0 });

  async function call(path: string, init: RequestInit): Promise<Response> {
    try {
      const response = await fetch(new URL(path, apiUrl), { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (response.status >= 500 || response.status === 429) throw new Error(`the API answered ${response.status}`);
      return response;
    } catch (error) {
      throw new ApiUnavailable(error);
    }
  }

  const post = (path: string, body: object): Promise<Response> => call(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

  return {
    async readerOf(accessToken) {
      // The token itself is not kept as a key that a heap dump would show.
      const hash = createHash('sha256').update(accessToken).digest('base64');
      const known = readers.get(hash);
      if (known) return known;
      const response = await call('/admin/payload-reader', { headers: { authorization: `Bearer ${accessToken}` } });
      if (response.ok) {
        const reader = (await response.json()) as Reader;
        readers.set(hash, reader);
        return reader;
      }
      await response.body?.cancel();
      return response.status === 403 ? 'forbidden' : 'unauthenticated';
    },
    signIn: async (email, password) => tokensOf(await post('/auth/login', { email, password })),
    refresh: async (refreshToken) => tokensOf(await post('/auth/refresh', { refreshToken })),
    async signOut(refreshToken) {
      await (await post('/auth/logout', { refreshToken })).body?.cancel();
    },
  };
}

async function tokensOf(response: Response): Promise<Tokens | null> {
  if (response.ok) return (await response.json()) as Tokens;
  await response.body?.cancel();
  return null;
}
