import { describe, expect, it } from 'vitest';
import type { AttemptRow } from '../../db/repositories/payments/attempts.ts';
import type { WithdrawalRow } from '../../db/repositories/withdrawals/withdrawals.ts';
import { outcomeDetailOf } from './outcome.ts';

const SIGNER = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
const hash = (digit: string): `0x${string}` => `0x${digit.repeat(64)}`;
const row = (changes: Partial<WithdrawalRow> = {}) => ({ status: 'BROADCASTED', hasLivePayment: true, paidTxHash: null, cancelIntentAt: null, ...changes }) as WithdrawalRow;
const attempt = (txHash: `0x${string}`, changes: Partial<AttemptRow> = {}) =>
  ({ txHash, nonce: 7, from: SIGNER, purpose: 'PAY', status: 'BROADCASTED', broadcastedAt: new Date('2026-11-24T04:20:00.000Z'), ...changes }) as AttemptRow;

describe('outcomeDetailOf', () => {
  it('names every signed payment that may be on the chain, and when the newest was sent', () => {
    const attempts = [attempt(hash('1')), attempt(hash('2'), { broadcastedAt: new Date('2026-11-24T04:21:00.000Z') })];
    expect(outcomeDetailOf(row(), attempts)).toEqual({ nonce: 7, signer: SIGNER, hashes: [hash('1'), hash('2')], lastSent: '2026-11-24T04:21:00.000Z', settledWhen: 'final-block' });
    expect(outcomeDetailOf(row({ status: 'SIGNED' }), [attempt(hash('1'), { status: 'SIGNED', broadcastedAt: null })])).toMatchObject({ hashes: [hash('1')], lastSent: null });
  });

  it('leaves out attempts on nonces the chain has ruled on', () => {
    const attempts = [attempt(hash('1'), { nonce: 6, status: 'REPLACED' }), attempt(hash('2'), { nonce: 6, purpose: 'VOID', status: 'CONFIRMED' }), attempt(hash('3'))];
    expect(outcomeDetailOf(row(), attempts)).toMatchObject({ nonce: 7, hashes: [hash('3')] });
  });

  it.each([
    ['parked', row({ status: 'DEAD_LETTERED' }), [attempt(hash('1'))]],
    ['being cancelled', row({ cancelIntentAt: new Date() }), [attempt(hash('1'))]],
    ['being voided', row(), [attempt(hash('1')), attempt(hash('2'), { purpose: 'VOID' })]],
  ])('says that the nonce is voided while it is %s', (_what, withdrawal, attempts) => {
    expect(outcomeDetailOf(withdrawal, attempts)).toMatchObject({ hashes: [hash('1')], settledWhen: 'voided' });
  });

  it('leaves a payment that was not what was asked to a person', () => {
    const attempts = [attempt(hash('1'), { status: 'REPLACED' }), attempt(hash('2'), { status: 'CONFIRMED' })];
    expect(outcomeDetailOf(row({ status: 'DEAD_LETTERED', paidTxHash: hash('2') }), attempts)).toMatchObject({ hashes: [hash('2')], settledWhen: 'person' });
  });

  it('says nothing where the outcome is known, or the attempts are not', () => {
    expect(outcomeDetailOf(row({ hasLivePayment: false }), [])).toBeUndefined();
    expect(outcomeDetailOf(row({ status: 'COMPLETED' }), [attempt(hash('1'))])).toBeUndefined();
    expect(outcomeDetailOf(row(), [])).toBeUndefined();
  });
});
