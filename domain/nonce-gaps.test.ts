import { expect, it } from 'vitest';
import { gapsOf } from './nonce-gaps.ts';

const row = (nonce: number, holder: string | null) => ({ nonce, holder, state: holder === null ? ('FREED' as const) : ('RESERVED' as const), hasBytes: false, proven: false });

it('a gap is an unmined nonce below the next that nobody holds, with or without a row', () => {
  expect(gapsOf([row(3, 'tx-a'), row(4, null), row(6, 'tx-b')], 3, 8)).toEqual([4, 5, 7]);
  expect(gapsOf([row(3, null)], 4, 4)).toEqual([]);
  expect(gapsOf([{ ...row(3, null), state: 'CONSUMED', hasBytes: true }, row(4, null)], 3, 5)).toEqual([4]);
});
