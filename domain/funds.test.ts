import { array, assert, bigInt, boolean, constantFrom, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeFunds, type ReservedFunds } from './funds.ts';

const USDC = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const USDT = '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359';

const hold = (tokenAddress: string | null, amount: bigint, gasWei: bigint): ReservedFunds => ({ tokenAddress, amount, gasWei });

describe('judgeFunds', () => {
  it.each([
    { name: 'the last token and the last gas', native: 10n, token: 100n, wanted: hold(USDC, 100n, 10n), verdict: { sufficient: true } },
    { name: 'one base unit too much', native: 10n, token: 100n, wanted: hold(USDC, 101n, 10n), verdict: { sufficient: false, missing: 'token', availableToken: 100n, availableNativeWei: 10n } },
    { name: 'one wei of gas too much', native: 10n, token: 100n, wanted: hold(USDC, 100n, 11n), verdict: { sufficient: false, missing: 'gas', availableToken: 100n, availableNativeWei: 10n } },
    { name: 'native with its gas', native: 100n, token: 100n, wanted: hold(null, 90n, 10n), verdict: { sufficient: true } },
    { name: 'native that leaves no gas', native: 100n, token: 100n, wanted: hold(null, 91n, 10n), verdict: { sufficient: false, missing: 'gas', availableToken: 100n, availableNativeWei: 100n } },
    { name: 'native above the balance', native: 100n, token: 100n, wanted: hold(null, 101n, 0n), verdict: { sufficient: false, missing: 'token', availableToken: 100n, availableNativeWei: 100n } },
  ])('$name', ({ native, token, wanted, verdict }) => {
    expect(judgeFunds({ nativeWei: native, token }, [], wanted)).toEqual(verdict);
  });

  it('counts what others hold: their gas against the coin, their amount against its own token', () => {
    const reserved = [hold(USDC, 40n, 3n), hold(USDT, 1_000n, 4n), hold(null, 20n, 5n)];
    expect(judgeFunds({ nativeWei: 50n, token: 100n }, reserved, hold(USDC, 60n, 18n))).toEqual({ sufficient: true });
    expect(judgeFunds({ nativeWei: 50n, token: 100n }, reserved, hold(USDC, 61n, 1n))).toMatchObject({ sufficient: false, missing: 'token', availableToken: 60n });
    expect(judgeFunds({ nativeWei: 50n, token: 100n }, reserved, hold(USDC, 1n, 19n))).toMatchObject({ sufficient: false, missing: 'gas', availableNativeWei: 18n });
    expect(judgeFunds({ nativeWei: 50n, token: 50n }, reserved, hold(null, 10n, 8n))).toEqual({ sufficient: true });
    expect(judgeFunds({ nativeWei: 50n, token: 50n }, reserved, hold(null, 10n, 9n))).toMatchObject({ sufficient: false });
  });

  it('counts a reservation of the same token in another spelling', () => {
    const reserved = [hold(USDC.toLowerCase(), 60n, 0n)];
    expect(judgeFunds({ nativeWei: 10n, token: 100n }, reserved, hold(USDC, 41n, 0n))).toMatchObject({ sufficient: false, missing: 'token', availableToken: 40n });
  });

  it('gives nothing from a wallet that is already promised beyond its balance', () => {
    expect(judgeFunds({ nativeWei: 5n, token: 100n }, [hold(null, 10n, 0n)], hold(USDC, 1n, 0n))).toMatchObject({ sufficient: false, missing: 'gas', availableNativeWei: -5n });
  });

  it('never lets accepted reservations sum above a balance, gas included', () => {
    const amount = bigInt({ min: 0n, max: 60n });
    const request = record({ tokenAddress: constantFrom(null, USDC, USDT), amount, gasWei: bigInt({ min: 0n, max: 20n }), lowerCase: boolean() });
    const balances = record({ nativeWei: bigInt({ min: 0n, max: 300n }), usdc: bigInt({ min: 0n, max: 200n }), usdt: bigInt({ min: 0n, max: 200n }) });
    assert(
      property(balances, array(request, { maxLength: 40 }), ({ nativeWei, usdc, usdt }, requests) => {
        const accepted: ReservedFunds[] = [];
        const balanceOf = (token: string | null) => (token === null ? nativeWei : token === USDC ? usdc : usdt);
        for (const { tokenAddress, lowerCase, ...rest } of requests) {
          const wanted = { tokenAddress: lowerCase ? (tokenAddress?.toLowerCase() ?? null) : tokenAddress, ...rest };
          const verdict = judgeFunds({ nativeWei, token: balanceOf(tokenAddress) }, accepted, wanted);
          const fits = sumOf([...accepted, wanted], tokenAddress) <= balanceOf(tokenAddress) && nativeOf([...accepted, wanted]) <= nativeWei;
          // Nothing that fits is refused, nothing that does not is accepted.
          expect(verdict.sufficient).toBe(fits);
          if (verdict.sufficient) accepted.push(wanted);
        }
        expect(nativeOf(accepted)).toBeLessThanOrEqual(nativeWei);
        expect(sumOf(accepted, USDC)).toBeLessThanOrEqual(usdc);
        expect(sumOf(accepted, USDT)).toBeLessThanOrEqual(usdt);
      }),
    );
  });
});

function sumOf(items: readonly ReservedFunds[], token: string | null): bigint {
  return items.filter((item) => item.tokenAddress?.toLowerCase() === token?.toLowerCase()).reduce((sum, item) => sum + item.amount, 0n);
}

function nativeOf(items: readonly ReservedFunds[]): bigint {
  return sumOf(items, null) + items.reduce((sum, item) => sum + item.gasWei, 0n);
}
