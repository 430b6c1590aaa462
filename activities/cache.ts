import type { Redis } from 'ioredis';

/**
 * A value remembered in Redis for at most `ttlMs`. Redis being away only costs the reading anew: a cache is never a
 * dependency. Values are strings; the caller encodes.
 */
export async function remember(redis: Redis, key: string, ttlMs: number, read: () => Promise<string>): Promise<string> {
  const cached = await redis.get(key).catch(() => null);
  if (cached !== null) return cached;
  const value = await read();
  await redis.set(key, value, 'PX', ttlMs).catch(() => null);
  return value;
}
