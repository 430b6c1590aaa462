import { assert, bigInt, property, stringMatching } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { movesValue } from './foreign.ts';

const WALLET = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const OTHER = '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359';

describe('a transaction of the wallet', () => {
  it.each([
    ['nothing to itself', { to: WALLET, value: 0n, input: '0x' }, false],
    ['coins to itself, spelled in lower case', { to: WALLET.toLowerCase(), value: 5n, input: '0x' }, false],
    ['nothing to another', { to: OTHER, value: 0n, input: '0x' }, false],
    ['one wei to another', { to: OTHER, value: 1n, input: '0x' }, true],
    ['a call of a contract without coins', { to: OTHER, value: 0n, input: '0xa9059cbb' }, true],
    ['a call of itself: its account may be delegated', { to: WALLET, value: 0n, input: '0x00' }, true],
    ['a new contract', { to: null, value: 0n, input: '0x6000' }, true],
    ['coins into a new contract without code', { to: null, value: 1n, input: '0x' }, true],
  ])('%s', (_, transaction, moves) => {
    expect(movesValue(transaction, WALLET)).toBe(moves);
  });

  it('with calldata or with coins for another always counts as moving value', () => {
    assert(
      property(bigInt({ min: 0n, max: 10n ** 30n }), stringMatching(/^0x([0-9a-f]{2}){0,40}$/), (value, input) => {
        expect(movesValue({ to: OTHER, value, input }, WALLET)).toBe(value > 0n || input !== '0x');
      }),
    );
  });
});
