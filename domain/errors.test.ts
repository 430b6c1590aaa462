import { describe, expect, it } from 'vitest';
import { EngineError, ERROR_CATALOGUE, ERROR_CLASSES, ERROR_CODES, isErrorCode, profileOf, stopsWithdrawals } from './errors.ts';
import { RETRY_PROFILES } from './retry-profiles.ts';

/** The codes the public contract names. */
const PUBLISHED = [
  'VALIDATION_FAILED', 'INVALID_ADDRESS', 'INVALID_AMOUNT', 'UNSUPPORTED_CURRENCY', 'UNSUPPORTED_NETWORK', 'INSUFFICIENT_BALANCE', 'LIMIT_EXCEEDED', 'ADDRESS_NOT_ALLOWED',
  'IDEMPOTENCY_CONFLICT', 'IDEMPOTENCY_KEY_REQUIRED', 'NOT_FOUND', 'UNAUTHENTICATED', 'FORBIDDEN', 'RATE_LIMITED', 'INVALID_STATE', 'SERVICE_UNAVAILABLE', 'INTERNAL',
];

describe('the catalogue', () => {
  it('holds every published code', () => {
    expect(ERROR_CODES).toEqual(expect.arrayContaining(PUBLISHED));
  });

  it.each(ERROR_CODES)('%s has a known class', (code) => {
    expect(ERROR_CLASSES).toContain(ERROR_CATALOGUE[code].class);
  });

  it.each(ERROR_CODES.filter((code) => ERROR_CATALOGUE[code].class === 'transient'))('%s may succeed later', (code) => {
    expect(ERROR_CATALOGUE[code].retryable).toBe(true);
  });

  it.each(ERROR_CODES.filter((code) => ERROR_CATALOGUE[code].class === 'permanent'))('%s never heals', (code) => {
    expect(ERROR_CATALOGUE[code].retryable).toBe(false);
  });

  it.each(ERROR_CODES)('%s is tried again as its class allows: permanent never, transient without end, unknown a bounded number of times', (code) => {
    const { triesMax } = RETRY_PROFILES[profileOf(code)];
    switch (ERROR_CATALOGUE[code].class) {
      case 'permanent':
        expect(triesMax).toBe(1);
        break;
      case 'transient':
        expect(triesMax).toBeNull();
        break;
      case 'unknown':
        expect(triesMax).toBeGreaterThanOrEqual(1);
        break;
      default:
        expect.unreachable();
    }
  });

  it('asks a person at once where trying again shows the same', () => {
    expect(ERROR_CODES.filter((code) => profileOf(code) === 'ask-a-person')).toEqual(['PAYMENT_MISMATCH', 'SEAL_BROKEN', 'GAS_COST_EXCEEDED', 'PARKED', 'PAID_BY_HAND', 'APPROVAL_MISSING']);
  });

  it('knows which codes only a caller sees', () => {
    expect(stopsWithdrawals('NOT_FOUND')).toBe(false);
    expect(ERROR_CODES.filter((code) => ERROR_CATALOGUE[code].class === 'unknown').every((code) => stopsWithdrawals(code))).toBe(true);
  });

  it('has at least one code of each class', () => {
    expect(new Set(ERROR_CODES.map((code) => ERROR_CATALOGUE[code].class))).toEqual(new Set(ERROR_CLASSES));
  });
});

describe('isErrorCode', () => {
  it('knows the codes and nothing an object inherits', () => {
    expect(ERROR_CODES.every((code) => isErrorCode(code))).toBe(true);
    for (const text of ['', 'internal', 'toString', 'constructor', '__proto__', 'hasOwnProperty']) expect(isErrorCode(text)).toBe(false);
  });
});

describe('EngineError', () => {
  it('keeps code, parameters and cause, and says them', () => {
    const cause = new Error('the driver said so');
    const error = new EngineError('INVALID_AMOUNT', { reason: 'decimals', decimals: '6' }, { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'EngineError', code: 'INVALID_AMOUNT', parameters: { reason: 'decimals', decimals: '6' }, cause });
    expect(error.message).toBe('INVALID_AMOUNT (reason=decimals, decimals=6)');
  });

  it('is its bare code without parameters', () => {
    expect(new EngineError('NOT_FOUND').message).toBe('NOT_FOUND');
    expect(new EngineError('NOT_FOUND').parameters).toEqual({});
  });
});
