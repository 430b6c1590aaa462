import { describe, expect, it } from 'vitest';
import { backOffMs } from './supervisor.ts';

describe('backOffMs', () => {
  it('doubles from 0.2 s and never passes 3 s', () => {
    expect([1, 2, 3, 4, 5, 6, 50].map(backOffMs)).toEqual([200, 400, 800, 1_600, 3_000, 3_000, 3_000]);
  });
});
