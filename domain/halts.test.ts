import { describe, expect, it } from 'vitest';
import { EVERYTHING, forbids, type Halt } from './halts.ts';

const WALLET = '0x00000000000000000000000000000000000000Aa';
const TOKEN = '0x00000000000000000000000000000000000000Bb';
const payment = { chainId: 80_002, tokenAddress: TOKEN, walletAddress: WALLET };
const halt = (scope: Halt['scope'], target: string): Halt => ({ scope, target, kind: 'OPERATOR' });

describe('forbids', () => {
  it.each([
    [halt('GLOBAL', EVERYTHING), true],
    [halt('CHAIN', '80002'), true],
    [halt('CHAIN', '137'), false],
    [halt('TOKEN', TOKEN.toLowerCase()), true],
    [halt('TOKEN', 'native'), false],
    [halt('WALLET', WALLET.toUpperCase().replace('0X', '0x')), true],
    [halt('WALLET', TOKEN), false],
  ])('%o: %s', (what, expected) => {
    expect(forbids(what, payment)).toBe(expected);
  });

  it('knows the native coin by its name', () => {
    expect(forbids(halt('TOKEN', 'native'), { ...payment, tokenAddress: null })).toBe(true);
    expect(forbids(halt('TOKEN', TOKEN), { ...payment, tokenAddress: null })).toBe(false);
  });
});
