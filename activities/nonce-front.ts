import type { Redis } from 'ioredis';
import type { NonceTruth } from '../db/repositories/payments/nonces.ts';

/**
 * The fast atomic front of nonce reservation: one Lua script, so that two signers never see the same proposal. It only
 * proposes. MySQL decides, and whenever the two disagree this front is rewritten from MySQL, never the other way round.
 */

/** KEYS: next, freed (sorted set), held (hash). ARGV: requestId. → nonce and the counter after it, or nil when nothing is known. */
const PROPOSE = `
local next = redis.call('GET', KEYS[1])
if not next then return nil end
local held = redis.call('HGET', KEYS[3], ARGV[1])
if held then return {tonumber(held), tonumber(next)} end
local freed = redis.call('ZPOPMIN', KEYS[2])
local nonce
if freed[1] then nonce = tonumber(freed[1]) else
  nonce = tonumber(next)
  next = nonce + 1
  redis.call('SET', KEYS[1], next)
end
redis.call('HSET', KEYS[3], ARGV[1], nonce)
return {nonce, tonumber(next)}`;

/**
 * KEYS as above. ARGV: next, the counter as the caller saw it before MySQL decided ('' if none), JSON of freed, JSON of
 * held pairs. Lowers the counter only when it still stands there (compare-and-set): had somebody moved it since, what the
 * caller knows may be older than what it would overwrite.
 */
const RESTORE = `
local current = redis.call('GET', KEYS[1])
if current and tonumber(current) > tonumber(ARGV[1]) and current ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2], KEYS[3])
for _, nonce in ipairs(cjson.decode(ARGV[3])) do redis.call('ZADD', KEYS[2], nonce, tostring(nonce)) end
for _, pair in ipairs(cjson.decode(ARGV[4])) do redis.call('HSET', KEYS[3], pair[1], pair[2]) end
return 1`;

export interface Proposal {
  nonce: number;
  /** the first nonce never proposed, after this proposal */
  counter: number;
}

export interface NonceFront {
  /** The nonce Redis would give this request; null when Redis is away or empty. Same request, same proposal. */
  propose(chainId: number, wallet: string, requestId: string): Promise<Proposal | null>;
  /**
   * Rewrites the front from MySQL's truth; `seen` is the counter of the proposal made before the truth was read, null
   * without one. Failing is harmless: the next disagreement repairs it.
   */
  restore(chainId: number, wallet: string, truth: NonceTruth, seen: number | null): Promise<void>;
  /** Forgets a request whose nonce was freed or consumed. */
  release(chainId: number, wallet: string, requestId: string, freedNonce: number | null): Promise<void>;
}

/** Redis keys of a wallet's front: the counter, the freed nonces, the held ones. */
export const keysOf = (chainId: number, wallet: string) => ['next', 'freed', 'held'].map((part) => `nonce:{${chainId}:${wallet}}:${part}`) as [string, string, string];

/** The front over a Redis connection. Every method answers within the connection's own time limits and never throws. */
export function createNonceFront(redis: Redis, onError: (error: unknown) => void): NonceFront {
  const guarded = async <T>(work: () => Promise<T>, fallback: T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      onError(error);
      return fallback;
    }
  };
  return {
    propose: (chainId, wallet, requestId) =>
      guarded(async () => {
        const proposal = (await redis.eval(PROPOSE, 3, ...keysOf(chainId, wallet), requestId)) as [number, number] | null;
        return proposal && { nonce: proposal[0], counter: proposal[1] };
      }, null),
    restore: (chainId, wallet, truth, seen) =>
      guarded(async () => {
        const held = truth.held.map(({ requestId, nonce }) => [requestId, nonce]);
        await redis.eval(RESTORE, 3, ...keysOf(chainId, wallet), truth.next, seen ?? '', JSON.stringify(truth.freed), JSON.stringify(held));
      }, undefined),
    release: (chainId, wallet, requestId, freedNonce) =>
      guarded(async () => {
        const [, freed, held] = keysOf(chainId, wallet);
        const release = redis.multi().hdel(held, requestId);
        if (freedNonce !== null) release.zadd(freed, freedNonce, String(freedNonce));
        await release.exec();
      }, undefined),
  };
}
