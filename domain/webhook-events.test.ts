import { describe, expect, it } from 'vitest';
import { WITHDRAWAL_STATUSES } from './status.ts';
import { UNCONFIRMED_EVENT, WEBHOOK_EVENT_TYPES, webhookPayload, webhookTypeOf } from './webhook-events.ts';
import type { ToldWithdrawal } from './withdrawal-facts.ts';

const AT = new Date('2026-11-24T04:20:00.000Z');
const row: ToldWithdrawal = {
  requestId: 'tx-1795494000000-0123456789abcdef0123',
  status: 'BROADCASTED',
  hasLivePayment: true,
  amount: 12_500_000n,
  decimals: 6,
  currency: 'USDC',
  toAddress: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  tokenAddress: null,
  network: 'polygon-amoy',
  txHash: `0x${'ab'.repeat(32)}`,
  errorCode: null,
  createdAt: AT,
  updatedAt: AT,
  completedAt: null,
};
const dataOf = (change: Partial<ToldWithdrawal>) => (JSON.parse(webhookPayload('withdrawal.failed', 7, AT, { ...row, ...change })) as { data: object }).data;

describe('event types', () => {
  it('are the statuses somebody outside can act on, and the reorg', () => {
    expect(WEBHOOK_EVENT_TYPES).toEqual([
      'withdrawal.pending', 'withdrawal.awaiting_approval', 'withdrawal.awaiting_funds', 'withdrawal.broadcasted', 'withdrawal.confirming', 'withdrawal.dead_lettered',
      'withdrawal.completed', 'withdrawal.failed', 'withdrawal.rejected', 'withdrawal.cancelled', 'withdrawal.unconfirmed',
    ]);
  });

  it('come from status and timeline', () => {
    const told = WITHDRAWAL_STATUSES.filter((status) => webhookTypeOf(status, 'x') !== null);
    expect(told).toEqual(WITHDRAWAL_STATUSES.filter((status) => !['SIGNING', 'SIGNED', 'BROADCASTING'].includes(status)));
    expect(webhookTypeOf('BROADCASTED', 'sent')).toBe('withdrawal.broadcasted');
    expect(webhookTypeOf('BROADCASTED', UNCONFIRMED_EVENT)).toBe('withdrawal.unconfirmed');
  });
});

describe('webhookPayload', () => {
  it('is one line of JSON in the shape of the API, without what is made for people', () => {
    const text = webhookPayload('withdrawal.broadcasted', 1207, AT, row);
    expect(text).not.toMatch(/\n/);
    expect(JSON.parse(text)).toEqual({
      type: 'withdrawal.broadcasted',
      timestamp: '2026-11-24T04:20:00.000Z',
      eventId: 1207,
      data: {
        requestId: row.requestId, status: 'BROADCASTED', outcome: 'UNKNOWN', amount: '12.5', currency: 'USDC', toAddress: row.toAddress, tokenAddress: null, network: 'polygon-amoy', txHash: row.txHash,
        errorCode: null, retryable: false, createdAt: '2026-11-24T04:20:00.000Z', updatedAt: '2026-11-24T04:20:00.000Z', completedAt: null,
      },
    });
  });

  it('says "retryable" only of what was not paid and never will be', () => {
    expect(dataOf({ status: 'FAILED', hasLivePayment: false, errorCode: 'INSUFFICIENT_BALANCE' })).toMatchObject({ outcome: 'NOT_PAID', retryable: true });
    expect(dataOf({ status: 'DEAD_LETTERED', errorCode: 'INSUFFICIENT_BALANCE' })).toMatchObject({ outcome: 'UNKNOWN', retryable: false });
    expect(dataOf({ status: 'FAILED', hasLivePayment: false, errorCode: 'TRANSFER_REFUSED' })).toMatchObject({ retryable: false });
    expect(dataOf({ errorCode: 'of an older version' })).toMatchObject({ errorCode: 'INTERNAL' });
  });
});
