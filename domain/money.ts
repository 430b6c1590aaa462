import { EngineError } from './errors.ts';

/** An amount in base units of its token (wei for the native coin). Never a `number`, never negative. */
export type BaseUnits = bigint & { readonly __unit: 'base' };

/** More digits than any token in use needs; with the 36 decimals a token may have, every amount fits DECIMAL(65,0). */
const INTEGER_DIGITS_MAX = 28;
const DECIMAL_PATTERN = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;

/** Brands a bigint as base units. Throws on a negative one: amounts have no sign. */
export function baseUnits(value: bigint): BaseUnits {
  if (value < 0n) throw new RangeError('an amount cannot be negative');
  return value as BaseUnits;
}

/**
 * Parses a decimal string in token units (`"12.5"`) to base units.
 * Refuses exponents, signs, blanks, leading zeros, zero, more decimals than the token has, and absurd lengths
 * with `INVALID_AMOUNT` (the parameter `reason` says which).
 */
export function parseAmount(text: string, decimals: number): BaseUnits {
  const match = DECIMAL_PATTERN.exec(text);
  if (!match) throw new EngineError('INVALID_AMOUNT', { reason: 'format' });
  const [, whole = '', fraction = ''] = match;
  if (whole.length > INTEGER_DIGITS_MAX) throw new EngineError('INVALID_AMOUNT', { reason: 'too-large' });
  if (fraction.length > decimals) throw new EngineError('INVALID_AMOUNT', { reason: 'decimals', decimals: String(decimals) });
  const value = BigInt(whole + fraction.padEnd(decimals, '0'));
  if (value === 0n) throw new EngineError('INVALID_AMOUNT', { reason: 'zero' });
  return baseUnits(value);
}

/** Base units as the shortest decimal string in token units: `1500000n`, 6 decimals → `"1.5"`. */
export function formatAmount(value: bigint, decimals: number): string {
  if (value < 0n) throw new RangeError('an amount cannot be negative');
  const digits = value.toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** The same for what may be owed: `-1500000n` → `"-1.5"`. */
export function formatSignedAmount(value: bigint, decimals: number): string {
  return value < 0n ? `-${formatAmount(-value, decimals)}` : formatAmount(value, decimals);
}
