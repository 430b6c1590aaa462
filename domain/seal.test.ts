import { array, assert, bigInt, constantFrom, integer, option, property, record, string, uint8Array } from 'fast-check';
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sealHolds, sealRequest, type SealedFields } from './seal.ts';

const KEY = new Uint8Array(32).fill(7);
const FIELDS: SealedFields = {
  requestId: 'tx-1700000000000-00112233445566778899',
  ownerId: 42,
  chainId: 80_002,
  currency: 'USDC',
  decimals: 6,
  tokenAddress: '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  toAddress: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  amount: 1_500_000n,
};

const address = array(constantFrom(...'0123456789abcdef'.split('')), { minLength: 40, maxLength: 40 }).map((digits) => `0x${digits.join('')}`);
const fieldsArbitrary = record<SealedFields>({
  requestId: string({ unit: 'grapheme-ascii', maxLength: 40 }),
  ownerId: integer({ min: 1, max: 2 ** 31 - 1 }),
  chainId: integer({ min: 1, max: 2 ** 31 - 1 }),
  currency: string({ unit: 'grapheme-ascii', maxLength: 16 }),
  decimals: integer({ min: 0, max: 36 }),
  tokenAddress: option(address),
  toAddress: address,
  amount: bigInt({ min: 1n, max: 10n ** 64n }),
});

const spelled = (fields: SealedFields) => JSON.stringify({ ...fields, amount: fields.amount.toString() });

describe('sealRequest', () => {
  it('is HMAC-SHA-256 over the length-prefixed fields', () => {
    const parts = ['withdrawal/2', FIELDS.requestId, '42', '80002', 'USDC', '6', FIELDS.tokenAddress?.toLowerCase() ?? '', FIELDS.toAddress.toLowerCase(), '1500000'];
    const text = parts.map((part) => `${part.length}:${part}`).join('');
    expect(sealRequest(KEY, FIELDS)).toBe(createHmac('sha256', KEY).update(text).digest('hex'));
  });

  it('does not depend on how an address is spelled', () => {
    const lower = { ...FIELDS, tokenAddress: FIELDS.tokenAddress?.toLowerCase() ?? null, toAddress: FIELDS.toAddress.toLowerCase() };
    expect(sealRequest(KEY, lower)).toBe(sealRequest(KEY, FIELDS));
  });

  it('gives no two different requests one seal', () => {
    assert(
      property(fieldsArbitrary, fieldsArbitrary, (left, right) => {
        expect(sealRequest(KEY, left) === sealRequest(KEY, right)).toBe(spelled(left) === spelled(right));
      }),
    );
  });

  it('cannot be made the same by moving characters across a border of fields', () => {
    const seals = [
      { requestId: 'tx-1', ownerId: 23, chainId: 45 },
      { requestId: 'tx-12', ownerId: 3, chainId: 45 },
      { requestId: 'tx-1', ownerId: 2, chainId: 345 },
      { requestId: 'tx-12:3452', ownerId: 1, chainId: 5 },
      { requestId: 'tx-1', ownerId: 1, chainId: 5 },
    ].map((changed) => sealRequest(KEY, { ...FIELDS, ...changed }));
    expect(new Set(seals).size).toBe(seals.length);
  });
});

describe('sealHolds', () => {
  const seal = sealRequest(KEY, FIELDS);

  it('accepts the seal it made', () => {
    expect(sealHolds(KEY, FIELDS, seal)).toBe(true);
  });

  const changes: Record<string, Partial<SealedFields>> = {
    'another request': { requestId: 'tx-1700000000000-00112233445566778898' },
    'another requester': { ownerId: 43 },
    'another currency': { currency: 'USDT' },
    'more decimals, by which the amount reads as less': { decimals: 18 },
    'another chain': { chainId: 137 },
    'another token': { tokenAddress: '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb' },
    'the native coin instead': { tokenAddress: null },
    'another recipient': { toAddress: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAee' },
    'one base unit more': { amount: 1_500_001n },
    'ten times the amount': { amount: 15_000_000n },
  };
  it.each(Object.entries(changes))('%s breaks it', (_name, change) => {
    expect(sealHolds(KEY, { ...FIELDS, ...change }, seal)).toBe(false);
  });

  it('another key breaks it', () => {
    expect(sealHolds(new Uint8Array(32).fill(8), FIELDS, seal)).toBe(false);
  });

  it('any one changed digit breaks it, wherever it stands', () => {
    for (let index = 0; index < seal.length; index += 1) {
      const forged = seal.slice(0, index) + (seal.charAt(index) === '0' ? '1' : '0') + seal.slice(index + 1);
      expect({ index, holds: sealHolds(KEY, FIELDS, forged) }).toEqual({ index, holds: false });
    }
  });

  it.each(['', '00', seal.slice(0, 63), `${seal}00`, seal.toUpperCase(), `${seal}\n`, 'z'.repeat(64)])('%j is no seal', (text) => {
    expect(sealHolds(KEY, FIELDS, text)).toBe(false);
  });

  it('holds for any request under any key, and under no other', () => {
    const key = uint8Array({ minLength: 32, maxLength: 32 });
    assert(
      property(key, key, fieldsArbitrary, (own, other, fields) => {
        const made = sealRequest(own, fields);
        expect(sealHolds(own, fields, made)).toBe(true);
        expect(sealHolds(other, fields, made)).toBe(Buffer.from(own).equals(other));
      }),
    );
  });
});
