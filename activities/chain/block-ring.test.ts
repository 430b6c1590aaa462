import { describe, expect, it } from 'vitest';
import { createBlockRing } from './block-ring.ts';
import type { Hash } from './blocks.ts';
import type { Block } from './read-block.ts';

const hashOf = (name: string): Hash => `0x${name}`;
/** Block `number` of a fork; below `forkedAt` all forks are one. */
function block(number: number, transactions: string[] = [], fork = 'a', forkedAt = 0): Block {
  const nameOf = (height: number) => hashOf(`${height < forkedAt ? 'a' : fork}${height}`);
  return { number, hash: nameOf(number), parentHash: nameOf(number - 1), timestampSeconds: number, transactions: transactions.map(hashOf) };
}

describe('the remembered blocks', () => {
  it('knows the last one, each hash, and which block holds a transaction', () => {
    const ring = createBlockRing();
    expect([ring.last(), ring.first(), ring.hashAt(1), ring.blockOf('0xt')]).toEqual([null, null, undefined, undefined]);
    expect(ring.isNext(block(77))).toBe(true);
    for (const next of [block(5, ['t', 'u']), block(6), block(7, ['v'])]) {
      expect(ring.isNext(next)).toBe(true);
      ring.push(next);
    }
    expect([ring.first(), ring.last()]).toEqual([5, 7]);
    expect([ring.hashAt(4), ring.hashAt(6), ring.hashAt(8)]).toEqual([undefined, '0xa6', undefined]);
    expect([ring.blockOf('0xu'), ring.blockOf('0xv'), ring.blockOf('0xw')]).toEqual([5, 7, undefined]);
  });

  it('takes only the child of the last block', () => {
    const ring = createBlockRing();
    ring.push(block(5));
    expect(ring.isNext(block(6, [], 'b', 6))).toBe(true);
    expect(ring.isNext(block(6, [], 'b', 5))).toBe(false);
    expect(ring.isNext(block(7))).toBe(false);
    expect(ring.isNext(block(5))).toBe(false);
  });

  it('forgets a fork, but not a transaction the other fork holds too', () => {
    const ring = createBlockRing();
    for (const next of [block(5), block(6, ['t']), block(7, ['u'])]) ring.push(next);
    ring.cutAbove(5);
    expect([ring.last(), ring.hashAt(6), ring.blockOf('0xt'), ring.blockOf('0xu')]).toEqual([5, undefined, undefined, undefined]);
    ring.push(block(6, ['u'], 'b', 6));
    ring.push(block(7, ['t'], 'b', 6));
    expect([ring.blockOf('0xu'), ring.blockOf('0xt'), ring.hashAt(7)]).toEqual([6, 7, '0xb7']);
  });

  it('reads on from any block once all it knew is gone', () => {
    const ring = createBlockRing();
    for (const next of [block(5), block(6)]) ring.push(next);
    ring.cutAbove(4);
    expect([ring.last(), ring.first()]).toEqual([4, null]);
    const replaced = block(5, [], 'b');
    expect(ring.isNext(replaced)).toBe(true);
    ring.push(replaced);
    expect([ring.first(), ring.last()]).toEqual([5, 5]);
  });

  it('stays bounded: the hashes of 1,024 blocks, the transactions of 256', () => {
    const ring = createBlockRing();
    for (let number = 1; number <= 3_000; number += 1) ring.push(block(number, [`t${number}`]));
    expect([ring.first(), ring.last()]).toEqual([1_977, 3_000]);
    expect([ring.hashAt(1_976), ring.hashAt(1_977)]).toEqual([undefined, '0xa1977']);
    expect([ring.blockOf('0xt2744'), ring.blockOf('0xt2745')]).toEqual([undefined, 2_745]);
  });
});
