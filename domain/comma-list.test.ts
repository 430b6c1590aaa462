import { expect, it } from 'vitest';
import { commaList } from './comma-list.ts';

it.each([
  ['', []],
  [' , ', []],
  ['http://a', ['http://a']],
  [' http://a, http://b ,', ['http://a', 'http://b']],
])('reads "%s"', (text, entries) => {
  expect(commaList(text)).toEqual(entries);
});
