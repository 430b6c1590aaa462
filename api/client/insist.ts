export interface InsistOptions {
  /** headers that say who asks, made anew for every try */
  authorize: (request: Request, body: Uint8Array<ArrayBuffer>) => Promise<Record<string, string>>;
  /** how often a call is made at most that may be repeated */
  triesMax: number;
  /** for an answer to arrive whole */
  timeoutMs: number;
  /** before the second try; doubled for each one after it, up to sixteen times */
  waitMs: number;
}

const DOUBLINGS_MAX = 4;

/**
 * A `fetch` that asks again where it is not known what became of a call: no answer, a broken one, 429 or 5xx. Only what may
 * be asked twice is: reading, and what carries an `Idempotency-Key`, which stays the same for every try. Anything else gets
 * its first answer, or its error, as it is.
 */
export function insistingFetch(options: InsistOptions): (request: Request) => Promise<Response> {
  const { authorize, triesMax, timeoutMs, waitMs } = options;

  const once = async (request: Request, body: Uint8Array<ArrayBuffer>): Promise<Response> => {
    const headers = new Headers(request.headers);
    for (const [name, value] of Object.entries(await authorize(request, body))) headers.set(name, value);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new DOMException('no answer in time', 'TimeoutError')), timeoutMs);
    try {
      // A redirection would carry a signature made for another path.
      const response = await fetch(request.url, { method: request.method, headers, redirect: 'error', signal: AbortSignal.any([request.signal, late.signal]), ...(body.length > 0 && { body }) });
      if (response.headers.get('content-type')?.startsWith('text/event-stream')) return response;
      const bytes = await response.arrayBuffer();
      return new Response(bytes.byteLength === 0 ? null : bytes, response);
    } finally {
      clearTimeout(timer);
    }
  };

  return async (request) => {
    const body = new Uint8Array(await request.arrayBuffer());
    const tries = mayRepeat(request) ? triesMax : 1;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await once(request, body);
        if (attempt >= tries || !isAmbiguous(response.status)) return response;
        await pause(waitBefore(attempt, response), request.signal);
      } catch (error) {
        if (attempt >= tries || request.signal.aborted) throw error;
        await pause(waitBefore(attempt), request.signal);
      }
    }
  };

  function waitBefore(attempt: number, response?: Response): number {
    const asked = Number(response?.headers.get('retry-after') ?? 0) * 1_000;
    return Math.max(Number.isFinite(asked) ? asked : 0, waitMs * 2 ** Math.min(attempt - 1, DOUBLINGS_MAX));
  }
}

function mayRepeat({ method, headers }: Request): boolean {
  return method === 'GET' || method === 'HEAD' || headers.has('idempotency-key');
}

function isAmbiguous(status: number): boolean {
  return status === 429 || status >= 500;
}

/** Ends early, with the caller's reason, when the call is given up. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', giveUp);
      resolve();
    }, ms);
    signal.addEventListener('abort', giveUp, { once: true });
  });
}
