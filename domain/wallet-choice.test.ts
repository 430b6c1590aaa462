import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderWallets, type WalletCandidate } from './wallet-choice.ts';

const wallet = (address: string, more: Partial<WalletCandidate> = {}): WalletCandidate => ({ address, windowUsed: 0, seemsFunded: true, gasRunsOut: false, ...more });
const order = (candidates: readonly WalletCandidate[], requestId = 'tx-1') => orderWallets(candidates, requestId, 64).map(({ address }) => address);

describe('the order of wallets', () => {
  it.each([
    ['a full window comes after a free one, even where gas runs out', wallet('0xa', { windowUsed: 64 }), wallet('0xb', { windowUsed: 63, gasRunsOut: true })],
    ['more than full is full', wallet('0xa', { windowUsed: 200 }), wallet('0xb', { windowUsed: 60 })],
    ['an empty wallet comes last, however free', wallet('0xa', { seemsFunded: false }), wallet('0xb', { windowUsed: 64 })],
    ['gas that runs out comes after gas that lasts', wallet('0xa', { gasRunsOut: true }), wallet('0xb', { windowUsed: 40 })],
    ['more room comes first', wallet('0xa', { windowUsed: 33 }), wallet('0xb', { windowUsed: 15 })],
    ['of two full ones the shorter queue comes first', wallet('0xa', { windowUsed: 66 }), wallet('0xb', { windowUsed: 65 })],
  ])('%s', (_, later, earlier) => {
    for (const requestId of ['tx-1', 'tx-2', 'tx-3', 'tx-4', 'tx-5', 'tx-6']) {
      expect(order([later, earlier], requestId)).toEqual(['0xb', '0xa']);
      expect(order([earlier, later], requestId)).toEqual(['0xb', '0xa']);
    }
  });

  it('spreads withdrawals that see the same numbers, so that no window fills while others are free', () => {
    const wallets = ['0xa', '0xb', '0xc', '0xd'].map((address, index) => wallet(address, { windowUsed: index }));
    const first = Array.from({ length: 400 }, (_, index) => order(wallets, `tx-${index}`)[0]);
    for (const { address } of wallets) {
      const share = first.filter((chosen) => chosen === address).length;
      // 100 expected; four standard deviations are 35.
      expect(share).toBeGreaterThan(65);
      expect(share).toBeLessThan(135);
    }
  });

  it('is one order of all wallets, whatever the order given, the same for the same request', () => {
    const candidate = fc.record({ address: fc.bigInt({ min: 0n, max: 2n ** 160n - 1n }).map((value) => `0x${value.toString(16).padStart(40, '0')}`), windowUsed: fc.nat(100), seemsFunded: fc.boolean(), gasRunsOut: fc.boolean() });
    fc.assert(
      fc.property(fc.uniqueArray(candidate, { selector: ({ address }) => address.toLowerCase(), maxLength: 8 }), fc.string(), (candidates, requestId) => {
        const once = order(candidates, requestId);
        expect(once.toSorted()).toEqual(candidates.map(({ address }) => address).toSorted());
        expect(order(candidates.toReversed(), requestId)).toEqual(once);
      }),
    );
  });
});
