import { LRUCache } from 'lru-cache';
import type { Count, Limit } from './limit.ts';

/** Some megabytes. Whoever comes from more networks than that within a minute is not held by an address anyway. */
const CALLERS_MAX = 20_000;

interface Window {
  requests: number;
  endsAtMs: number;
}

/** Fixed windows in the memory of this process, for what must be counted also while Redis is away, or after it forgot. */
export function createOwnCounters(now: () => number = Date.now): (limit: Limit) => Count {
  const windows = new LRUCache<string, Window>({ max: CALLERS_MAX });
  return ({ key, windowMs }) => {
    const at = now();
    const known = windows.get(key);
    const window = known && known.endsAtMs > at ? known : { requests: 0, endsAtMs: at + windowMs };
    window.requests += 1;
    windows.set(key, window);
    return { requests: window.requests, remainingMs: window.endsAtMs - at };
  };
}
