import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isLocalhost } from '../../domain/webhook-url.ts';

/** All addresses of a host; an address is its own. Empty when there is none. */
export type ResolveHost = (host: string, signal: AbortSignal) => Promise<string[]>;

const LOOPBACK = ['127.0.0.1', '::1'];
const QUERY_TIMEOUT_MS = 2_000;
const TRIES = 2;

/**
 * Asks the name servers themselves. The system's resolver would hold one of the process's few threads for as long as a stranger's name
 * server likes, and database connections and files wait for the same threads.
 */
export const resolveHost: ResolveHost = async (host, signal) => {
  if (isIP(host) !== 0) return [host];
  if (isLocalhost(host)) return LOOPBACK;
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: TRIES });
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  } finally {
    signal.removeEventListener('abort', cancel);
  }
};
