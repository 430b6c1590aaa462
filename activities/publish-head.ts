import type { Redis } from 'ioredis';
import type { ChainSettings } from '../domain/settings.ts';
import type { BlockHeader } from './chain/blocks.ts';

/** Blocks after which a head that did not move counts as a chain that is away. */
const STALE_AFTER_BLOCKS = 10;

/** Tells the other processes where the chain stands: `chain:{chainId}:head`, gone when nobody follows any more. Redis being away is no reason to stop following. */
export async function publishHead(ports: { redis: Redis; settings: { chain: ChainSettings }; log: { warn(fields: object, message: string): void } }, head: BlockHeader): Promise<void> {
  const { chainId, blockTimeMs } = ports.settings.chain;
  const value = JSON.stringify({ number: head.number, hash: head.hash, timestampMs: head.timestampSeconds * 1_000 });
  try {
    await ports.redis.set(`chain:${chainId}:head`, value, 'PX', Math.max(10_000, STALE_AFTER_BLOCKS * blockTimeMs));
  } catch (error) {
    ports.log.warn({ error }, 'the head could not be published');
  }
}
