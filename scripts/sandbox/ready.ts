interface ReadyBody {
  status?: unknown;
  dependencies?: Record<string, { status?: unknown; detail?: unknown }>;
}

/**
 * What `/ready` says: 'ready', or why it does not. 'recovery-due' when all runs and only the books are behind: the parts
 * must run then, for `npm run recover` needs them.
 */
export async function askReady(baseUrl: string): Promise<'ready' | 'recovery-due' | { readonly notReady: string }> {
  try {
    const response = await fetch(`${baseUrl}/ready`, { signal: AbortSignal.timeout(5_000) });
    const text = await response.text();
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null) {
      const { status, dependencies = {} } = body as ReadyBody;
      if (status === 'ready') return 'ready';
      const down = Object.entries(dependencies).filter((entry) => entry[1].status !== 'up');
      if (down.length === 1 && down[0]?.[0] === 'books' && down[0][1].detail === 'BOOKS_BEHIND') return 'recovery-due';
    }
    return { notReady: `/ready answers ${response.status} ${text.slice(0, 500)}` };
  } catch (error) {
    if (error instanceof SyntaxError) return { notReady: '/ready answers no JSON' };
    return { notReady: error instanceof Error && error.name === 'TimeoutError' ? '/ready does not answer within 5 s' : 'the API does not answer' };
  }
}
