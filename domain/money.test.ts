import { array, assert, bigInt, constantFrom, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineError } from './errors.ts';
import { baseUnits, formatAmount, formatSignedAmount, parseAmount } from './money.ts';

/** Most decimals a settings file may give a token, and the digits of MySQL's DECIMAL(65,0). */
const DECIMALS_MAX = 36;
const COLUMN_DIGITS = 65;

function reasonOf(text: string, decimals: number): string | undefined {
  try {
    parseAmount(text, decimals);
    return undefined;
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'INVALID_AMOUNT') throw error;
    return error.parameters['reason'];
  }
}

describe('parseAmount', () => {
  it.each([
    ['1', 6, 1_000_000n],
    ['0.000001', 6, 1n],
    ['12.5', 6, 12_500_000n],
    ['12.500000', 6, 12_500_000n],
    ['7', 0, 7n],
    ['0.000000000000000001', 18, 1n],
    ['999.999999999999999999', 18, 999_999_999_999_999_999_999n],
    ['9007199254740993', 0, 9_007_199_254_740_993n],
  ])('reads %s with %i decimals', (text, decimals, units) => {
    expect(parseAmount(text, decimals)).toBe(units);
  });

  it.each(['1e3', '1E3', '-1', '+1', '00', '01', '00.1', '1.', '.5', '.', ' 1', '1 ', '1\n', '\t1', '1,0', '1,000', '1_000', '1.2.3', '', '\u0661', '\uff11', 'NaN', 'Infinity', '-0', '0x10', '0b1', '0o7', '1n', 'null', '½'])('refuses %j as not a decimal number', (text) => {
    expect(reasonOf(text, 18)).toBe('format');
  });

  it.each(['0', '0.0', '0.000000', `0.${'0'.repeat(18)}`])('refuses %s as zero', (text) => {
    expect(reasonOf(text, 18)).toBe('zero');
  });

  it.each([
    ['0.0000000000000000001', 18],
    [`1.${'0'.repeat(19)}`, 18],
    ['0.0000001', 6],
    ['1.0', 0],
  ])('refuses %s for a token of %i decimals, even when the rest is zeros', (text, decimals) => {
    expect(reasonOf(text, decimals)).toBe('decimals');
  });

  it.each(['9'.repeat(80), `1${'0'.repeat(79)}`, '9'.repeat(10_000)])('refuses eighty digits and more', (text) => {
    expect(reasonOf(text, 18)).toBe('too-large');
  });

  it('accepts nothing that the amount column could not hold, whatever the decimals', () => {
    const digits = integer({ min: 1, max: 80 });
    assert(
      property(digits, integer({ min: 0, max: DECIMALS_MAX }), (length, decimals) => {
        const text = `${'9'.repeat(length)}${decimals === 0 ? '' : `.${'9'.repeat(decimals)}`}`;
        const refused = reasonOf(text, decimals) !== undefined;
        expect(refused || parseAmount(text, decimals).toString().length <= COLUMN_DIGITS).toBe(true);
      }),
    );
  });

  it('gives back what formatAmount wrote', () => {
    assert(
      property(bigInt({ min: 1n, max: 10n ** 28n - 1n }), integer({ min: 0, max: DECIMALS_MAX }), (units, decimals) => {
        expect(parseAmount(formatAmount(units, decimals), decimals)).toBe(units);
      }),
    );
  });

  it('either refuses any text with INVALID_AMOUNT or reads exactly what it says', () => {
    const numberLike = array(constantFrom(...'0123456789.e-+ ,'.split('')), { maxLength: 30 }).map((characters) => characters.join(''));
    assert(
      property(numberLike, integer({ min: 0, max: 18 }), (text, decimals) => {
        if (reasonOf(text, decimals) !== undefined) return;
        const [whole = '', fraction = ''] = text.split('.');
        expect(parseAmount(text, decimals)).toBe(BigInt(whole) * 10n ** BigInt(decimals) + BigInt(fraction.padEnd(decimals, '0') || '0'));
      }),
    );
  });
});

describe('formatSignedAmount', () => {
  it('puts a sign before what is owed', () => {
    expect([formatSignedAmount(-1_500_000n, 6), formatSignedAmount(-1n, 6), formatSignedAmount(0n, 6), formatSignedAmount(1_500_000n, 6)]).toEqual(['-1.5', '-0.000001', '0', '1.5']);
  });
});

describe('formatAmount', () => {
  it.each([
    [0n, 6, '0'],
    [1n, 6, '0.000001'],
    [1_500_000n, 6, '1.5'],
    [1_000_000n, 6, '1'],
    [10n, 0, '10'],
    [1n, 18, '0.000000000000000001'],
  ])('writes %s with %i decimals as %s', (units, decimals, text) => {
    expect(formatAmount(units, decimals)).toBe(text);
  });

  it('refuses a negative amount', () => {
    expect(() => formatAmount(-1n, 6)).toThrow(RangeError);
  });
});

describe('baseUnits', () => {
  it('takes zero and above, refuses below', () => {
    expect(baseUnits(0n)).toBe(0n);
    expect(() => baseUnits(-1n)).toThrow(RangeError);
  });
});
