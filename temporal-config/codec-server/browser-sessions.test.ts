import { describe, expect, it } from 'vitest';
import { createBrowserSessions } from './browser-sessions.ts';
import type { EngineApi, Tokens } from './engine-api.ts';

const MINUTE_MS = 60_000;

/** An API whose every refresh is answered by the next tokens, until there are no more. */
function apiWith(answers: (Tokens | null)[]) {
  const calls: string[] = [];
  const api: EngineApi = {
    readerOf: async () => 'unauthenticated',
    signIn: async () => null,
    async refresh(refreshToken) {
      calls.push(`refresh ${refreshToken}`);
      return answers.shift() ?? null;
    },
    async signOut(refreshToken) {
      calls.push(`sign out ${refreshToken}`);
    },
  };
  let nowMs = 0;
  const sessions = createBrowserSessions(api, () => nowMs);
  return { sessions, calls, pass: (ms: number) => (nowMs += ms) };
}
const tokens = (name: string): Tokens => ({ accessToken: `access-${name}`, refreshToken: `refresh-${name}`, expiresIn: 600 });

describe('a browser session', () => {
  it('is known by a random name that tells nothing', async () => {
    const { sessions } = apiWith([]);
    const cookies = [sessions.open(tokens('a')), sessions.open(tokens('a'))];
    expect(new Set(cookies).size).toBe(2);
    for (const cookie of cookies) expect(cookie).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(await sessions.accessTokenOf('made up')).toBeNull();
  });

  it('renews its token before that ends, once, however many ask', async () => {
    const { sessions, calls, pass } = apiWith([tokens('b'), tokens('c')]);
    const cookie = sessions.open(tokens('a'));
    pass(9 * MINUTE_MS);
    expect(await sessions.accessTokenOf(cookie)).toBe('access-a');
    pass(MINUTE_MS);
    expect(await Promise.all([1, 2, 3].map(() => sessions.accessTokenOf(cookie)))).toEqual(['access-b', 'access-b', 'access-b']);
    expect(calls).toEqual(['refresh refresh-a']);
    pass(10 * MINUTE_MS);
    expect(await sessions.accessTokenOf(cookie)).toBe('access-c');
    expect(calls).toEqual(['refresh refresh-a', 'refresh refresh-b']);
  });

  it('is over when the API renews it no more', async () => {
    const { sessions, calls, pass } = apiWith([]);
    const cookie = sessions.open(tokens('a'));
    pass(10 * MINUTE_MS);
    expect(await sessions.accessTokenOf(cookie)).toBeNull();
    expect(await sessions.accessTokenOf(cookie)).toBeNull();
    expect(calls).toEqual(['refresh refresh-a']);
  });

  it('is ended at the API too', async () => {
    const { sessions, calls } = apiWith([]);
    const cookie = sessions.open(tokens('a'));
    await sessions.close(cookie);
    expect(await sessions.accessTokenOf(cookie)).toBeNull();
    expect(calls).toEqual(['sign out refresh-a']);
  });
});
