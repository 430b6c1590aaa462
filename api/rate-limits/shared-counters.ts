import { circuitBreaker, ConsecutiveBreaker, handleAll, isBrokenCircuitError } from 'cockatiel';
import type { Redis } from 'ioredis';
import { bounded } from '../ready/bounded.ts';
import type { Count, Limit } from './limit.ts';

/** After so many failures in a row requests do not ask any more, but for one now and then. */
const FAILURES_IN_A_ROW = 3;
const LEFT_ALONE_MS = 1_000;

/** KEYS: counters. ARGV: the window of each in ms. → count and remaining ms, in turn. A counter without an end would refuse for ever. */
const COUNT = `
local counts = {}
for index, key in ipairs(KEYS) do
  local requests = redis.call('INCR', key)
  local remaining = redis.call('PTTL', key)
  if remaining < 0 then
    remaining = tonumber(ARGV[index])
    redis.call('PEXPIRE', key, remaining)
  end
  counts[#counts + 1] = requests
  counts[#counts + 1] = remaining
end
return counts`;

const PREFIX = 'rate-limit:';

/**
 * Fixed windows in Redis, shared by all API processes; all counters of one call in one round trip. Resolves to the count of
 * each limit, or to null where Redis is away, does not answer within `answerMs`, or has just failed three times in a row.
 * Called twice it counts twice; a process that dies in the middle leaves counters that end by themselves.
 */
export function createSharedCounters({ redis, answerMs }: { redis: Redis; answerMs: number }, onFailure: (error: unknown) => void): (limits: readonly Limit[]) => Promise<Count[] | null> {
  const circuit = circuitBreaker(handleAll, { halfOpenAfter: LEFT_ALONE_MS, breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW) });
  return async (limits) => {
    try {
      const answer = await circuit.execute(() => bounded(answerMs, redis.eval(COUNT, limits.length, ...limits.map(({ key }) => PREFIX + key), ...limits.map(({ windowMs }) => windowMs))));
      const numbers = answer as number[];
      return limits.map((_limit, index) => ({ requests: numbers[2 * index] ?? 0, remainingMs: numbers[2 * index + 1] ?? 0 }));
    } catch (error) {
      if (!isBrokenCircuitError(error)) onFailure(error);
      return null;
    }
  };
}
