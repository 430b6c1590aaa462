import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { EngineApi, Tokens } from './engine-api.ts';

/**
 * Sessions of people whose browser holds a cookie: the cookie is a random name, the tokens stay in this process. After a restart
 * everybody signs in again.
 */
export interface BrowserSessions {
  /** @returns the cookie's value */
  open(tokens: Tokens): string;
  /** The access token of a session, renewed when it is about to end; null when the session is over or unknown. Throws ApiUnavailable. */
  accessTokenOf(cookie: string): Promise<string | null>;
  close(cookie: string): Promise<void>;
}

interface BrowserSession {
  tokens: Tokens;
  renewAt: number;
  /** a refresh token works once, so that everyone who asks meanwhile waits for the one renewal */
  renewal: Promise<boolean> | null;
}

const SESSIONS_MAX = 500;
/** However busily somebody reads. */
const SESSION_MS_MAX = 8 * 60 * 60_000;
const RENEW_BEFORE_END_MS = 30_000;
const COOKIE_BYTES = 32;

export function createBrowserSessions(api: EngineApi, now: () => number = Date.now): BrowserSessions {
  const sessions = new LRUCache<string, BrowserSession>({ max: SESSIONS_MAX, ttl: SESSION_MS_MAX });
  const renewAt = ({ expiresIn }: Tokens): number => now() + expiresIn * 1_000 - RENEW_BEFORE_END_MS;

  async function renew(cookie: string, session: BrowserSession): Promise<boolean> {
    const tokens = await api.refresh(session.tokens.refreshToken);
    if (tokens === null) sessions.delete(cookie);
    else Object.assign(session, { tokens, renewAt: renewAt(tokens) });
    return tokens !== null;
  }

  return {
    open(tokens) {
      const cookie = randomBytes(COOKIE_BYTES).toString('base64url');
      sessions.set(cookie, { tokens, renewAt: renewAt(tokens), renewal: null });
      return cookie;
    },
    async accessTokenOf(cookie) {
      const session = sessions.get(cookie);
      if (!session) return null;
      if (now() >= session.renewAt) {
        session.renewal ??= renew(cookie, session).finally(() => (session.renewal = null));
        if (!(await session.renewal)) return null;
      }
      return session.tokens.accessToken;
    },
    async close(cookie) {
      const session = sessions.get(cookie);
      sessions.delete(cookie);
      if (session) await api.signOut(session.tokens.refreshToken);
    },
  };
}
