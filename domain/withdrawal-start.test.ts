import { describe, expect, it } from 'vitest';
import { parseMemo, startOf } from './withdrawal-start.ts';

const ROW = {
  requestId: 'tx-1795494000000-0123456789abcdef0123',
  ownerId: 7,
  correlationId: 'order-1',
  network: 'polygon-amoy',
  chainId: 80002,
  currency: 'POL',
  tokenAddress: null,
  decimals: 18,
  amount: 10n ** 27n + 1n,
  toAddress: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  seal: 'ab'.repeat(32),
  createdAt: new Date('2026-11-24T04:20:01.020Z'),
  keyHash: 'cd'.repeat(32),
  bodyHash: 'ef'.repeat(32),
};

describe('the memo of a withdrawal', () => {
  it('carries every column a row is rebuilt from, through JSON and back', () => {
    const { requestId, correlationId, currency, ...memo } = startOf(ROW);
    expect({ requestId, correlationId, currency }).toEqual({ requestId: ROW.requestId, correlationId: ROW.correlationId, currency: ROW.currency });
    const read = parseMemo(JSON.parse(JSON.stringify(memo)));
    expect(read).toEqual(memo);
    expect(BigInt(read?.sealed.amount ?? 0)).toBe(ROW.amount);
    expect(new Date(read?.sealed.createdAt ?? 0)).toEqual(ROW.createdAt);
  });

  it.each([
    ['none', undefined],
    ['the memo of an older start', { ownerId: 7, idempotencyKeyHash: ROW.keyHash }],
    ['an amount that is no whole number', { ...startOf(ROW), sealed: { ...startOf(ROW).sealed, amount: '1.5' } }],
    ['a seal that is none', { ...startOf(ROW), sealed: { ...startOf(ROW).sealed, seal: 'x' } }],
    ['a time that is none', { ...startOf(ROW), sealed: { ...startOf(ROW).sealed, createdAt: '2026-99-99' } }],
  ])('is refused: %s', (_what, memo) => {
    expect(parseMemo(memo)).toBeNull();
  });
});
