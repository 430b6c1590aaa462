import { assert, json, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonDepth } from './json-depth.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('jsonDepth', () => {
  it.each([
    ['1', 0],
    ['{}', 1],
    ['[[],[[]]]', 3],
    ['{"a":"[[[["}', 1],
    [String.raw`{"a":"\"[[","b":[]}`, 2],
    [String.raw`{"a\\":{"b":"\\"}}`, 2],
  ])('of %s is %i', (text, depth) => {
    expect(jsonDepth(text)).toBe(depth);
  });

  it('is what a walk through the parsed value finds', () => {
    expect(() => assert(property(json(), (text) => jsonDepth(text) === depthOf(JSON.parse(text))))).not.toThrow();
  });
});
