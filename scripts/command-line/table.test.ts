import { expect, it } from 'vitest';
import { table } from './table.ts';

it('a table is as wide as its widest cells', () => {
  expect(table(['a', 'long'], [['xyz', ''], ['x', 'y']])).toEqual(['a    long', 'xyz', 'x    y']);
});
