import { describe, expect, it } from 'vitest';
import { movesValue } from './foreign.ts';

const WALLET = '0x00000000000000000000000000000000000000Aa';
const OTHER = '0x00000000000000000000000000000000000000Bb';

describe('movesValue', () => {
  it.each([
    ['a send of nothing to itself', { to: WALLET, value: 0n, input: '0x' }, false],
    ['a send to itself, in another spelling', { to: WALLET.toLowerCase(), value: 5n, input: '0x' }, false],
    ['a send of nothing to another', { to: OTHER, value: 0n, input: '0x' }, false],
    ['a send to another', { to: OTHER, value: 1n, input: '0x' }, true],
    ['any call', { to: OTHER, value: 0n, input: '0xa9059cbb' }, true],
    ['a call of itself', { to: WALLET, value: 0n, input: '0x01' }, true],
    ['a new contract', { to: null, value: 0n, input: '0x60' }, true],
    ['value into nothing', { to: null, value: 1n, input: '0x' }, true],
  ])('%s', (_what, transaction, expected) => {
    expect(movesValue(transaction, WALLET)).toBe(expected);
  });
});
