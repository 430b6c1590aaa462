import { inject } from 'vitest';

/** The test Redis, in a logical database of this test worker's own: files that run beside each other may flush theirs. */
export function testRedisUrl(): string {
  const url = new URL(inject('infrastructure').redisUrl);
  url.pathname = `/${process.env['VITEST_POOL_ID'] ?? '1'}`;
  return url.href;
}
