import type { Redis } from 'ioredis';
import { keysOf } from '../nonce-front.ts';

/** The first nonce the fast front would give out next, or null when it holds none or is away. Reading it takes nothing. */
export async function readFrontCounter(redis: Redis, chainId: number, wallet: string): Promise<number | null> {
  const [next] = keysOf(chainId, wallet);
  const counter = await redis.get(next).catch(() => null);
  return counter === null ? null : Number(counter);
}
