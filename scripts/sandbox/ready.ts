/** What `/ready` says: 'ready', or why it does not. */
export async function askReady(baseUrl: string): Promise<'ready' | { readonly notReady: string }> {
  try {
    const response = await fetch(`${baseUrl}/ready`, { signal: AbortSignal.timeout(5_000) });
    const text = await response.text();
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && 'status' in body && body.status === 'ready') return 'ready';
    return { notReady: `/ready answers ${response.status} ${text.slice(0, 500)}` };
  } catch (error) {
    if (error instanceof SyntaxError) return { notReady: '/ready answers no JSON' };
    return { notReady: error instanceof Error && error.name === 'TimeoutError' ? '/ready does not answer within 5 s' : 'the API does not answer' };
  }
}
