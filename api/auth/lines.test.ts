import { describe, expect, it } from 'vitest';
import { createLines } from './lines.ts';

describe('createLines', () => {
  it('runs work of one key one after the other, also after one that failed, and of another beside it', async () => {
    const inLine = createLines(10);
    const log: string[] = [];
    const gates = new Map<string, () => void>();
    const work = (name: string) => async () => {
      log.push(`${name} begins`);
      await new Promise<void>((resolve) => gates.set(name, resolve));
      log.push(`${name} ends`);
      if (name === 'a1') throw new Error('a1 failed');
      return name;
    };
    const settled = Promise.allSettled([inLine('a', work('a1')), inLine('a', work('a2')), inLine('b', work('b1'))]);
    expect(log).toEqual(['a1 begins', 'b1 begins']);
    gates.get('b1')?.();
    gates.get('a1')?.();
    await expect.poll(() => log.at(-1)).toBe('a2 begins');
    gates.get('a2')?.();
    expect(await settled).toEqual([{ status: 'rejected', reason: new Error('a1 failed') }, { status: 'fulfilled', value: 'a2' }, { status: 'fulfilled', value: 'b1' }]);
    expect(log.indexOf('a1 ends')).toBeLessThan(log.indexOf('a2 begins'));
  });

  it('refuses what is too much to wait, and takes more once there is room', async () => {
    const inLine = createLines(2);
    const results = await Promise.allSettled(Array.from({ length: 5 }, (_, index) => inLine('a', async () => index)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
    expect(results.at(-1)).toMatchObject({ reason: { code: 'SERVICE_UNAVAILABLE', parameters: { retryAfterSeconds: '5' } } });
    expect(await inLine('a', async () => 'again')).toBe('again');
  });
});
