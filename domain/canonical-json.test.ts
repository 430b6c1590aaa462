import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';

describe('canonicalJson', () => {
  it('is the same text whatever the order of the keys', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true })).toBe('{"a":true,"b":[1,{"c":"x","d":null}]}');
    expect(canonicalJson({ a: true, b: [1, { c: 'x', d: null }] })).toBe(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true }));
  });

  it('keeps the order of lists, and escapes as JSON does', () => {
    expect(canonicalJson(['b', 'a', '"\u000f€'])).toBe(JSON.stringify(['b', 'a', '"\u000f€']));
  });

  it('leaves out what is undefined, as storing it does', () => {
    const document = { a: undefined, b: 1 };
    expect(canonicalJson(document)).toBe(canonicalJson(JSON.parse(JSON.stringify(document))));
  });

  it.each([0.5, Number.NaN, 2 ** 53])('refuses %d', (number) => {
    expect(() => canonicalJson({ number })).toThrow(RangeError);
  });
});
