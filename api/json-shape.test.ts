import { assert, json, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonShape, membersOf } from './json-shape.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('jsonShape', () => {
  it.each([
    ['1', 0, 0],
    ['{}', 1, 0],
    ['[[],[[]]]', 3, 0],
    ['{"a":"[[[["}', 1, 1],
    [String.raw`{"a":"\"[[","b":[]}`, 2, 2],
    [String.raw`{"a\\":{"b":"\\"}}`, 2, 2],
    ['{":":":","a":[{"a":1},{"a":1}]}', 3, 4],
    ['{"a":1,"a":2}', 1, 2],
  ])('of %s is %i deep, with %i members', (text, depth, members) => {
    expect(jsonShape(text)).toEqual({ depth, members });
  });

  it('is what a walk through the parsed value finds', () => {
    expect(() => assert(property(json(), (text) => {
      const value: unknown = JSON.parse(text);
      const { depth, members } = jsonShape(text);
      return depth === depthOf(value) && members === membersOf(value);
    }))).not.toThrow();
  });
});

describe('membersOf', () => {
  it.each(['{"a":1,"a":2}', String.raw`{"a":1,"\u0061":2}`, '[{"b":{"a":1,"c":[],"a":1}}]'])('is less than what stands in %s', (text) => {
    expect(membersOf(JSON.parse(text))).toBe(jsonShape(text).members - 1);
  });
});
