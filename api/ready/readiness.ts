import { LRUCache } from 'lru-cache';
import type { Readiness, DependencyName, DependencyState } from '../schemas/readiness.ts';
import { bounded } from './bounded.ts';
import type { Check } from './checks.ts';

export const CHECK_TIMEOUT_MS = 1_000;
const CACHE_MS = 1_000;
/** How a gRPC error begins; what follows names the server. */
const GRPC_STATUS = /^[0-9]+ ([A-Z_]+): /;

/** Asks all dependencies at once, each for a second at most; answers within a second are the same answer. */
export function createReadiness(checks: Record<DependencyName, Check>): () => Promise<Readiness> {
  const run = async (): Promise<Readiness> => {
    const [database, redis, temporal, chain, books, withdrawalWorker, signingService, broadcaster, monitor] = await Promise.all([
      stateOf(checks.database),
      stateOf(checks.redis),
      stateOf(checks.temporal),
      stateOf(checks.chain),
      stateOf(checks.books),
      stateOf(checks['withdrawal-worker']),
      stateOf(checks['signing-service']),
      stateOf(checks['tx-broadcaster']),
      stateOf(checks['tx-monitor']),
    ]);
    const dependencies = { database, redis, temporal, chain, books, 'withdrawal-worker': withdrawalWorker, 'signing-service': signingService, 'tx-broadcaster': broadcaster, 'tx-monitor': monitor };
    return { status: overall(dependencies), dependencies };
  };
  const cache = new LRUCache<'readiness', Readiness>({ max: 1, ttl: CACHE_MS, fetchMethod: run });
  return async () => (await cache.fetch('readiness')) ?? run();
}

function overall(dependencies: Readiness['dependencies']): Readiness['status'] {
  if (dependencies.database.status === 'down') return 'unavailable';
  return Object.values(dependencies).every(({ status }) => status === 'up') ? 'ready' : 'degraded';
}

async function stateOf(check: Check): Promise<DependencyState> {
  try {
    const detail = await bounded(CHECK_TIMEOUT_MS, check());
    return { status: 'up', ...(detail !== undefined && { detail }) };
  } catch (error) {
    return { status: 'down', detail: reasonOf(error) };
  }
}

/** The first line of the innermost cause, cut short: addresses and statements stay in the log. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.cause instanceof Error) return reasonOf(error.cause);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : GRPC_STATUS.exec(error.message)?.[1];
  return code ?? (error.message.split('\n', 1)[0] ?? '').slice(0, 120);
}
