import { sameAddress } from './address.ts';

/** A reservation as the availability rule sees it. All amounts in base units, gas in wei. */
export interface ReservedFunds {
  tokenAddress: string | null;
  amount: bigint;
  gasWei: bigint;
}

export interface WalletBalances {
  /** native coin at the balance's block */
  nativeWei: bigint;
  /** the token asked for, at the same block; equal to `nativeWei` for the native coin */
  token: bigint;
}

export type FundsVerdict = { sufficient: true } | { sufficient: false; missing: 'token' | 'gas'; availableToken: bigint; availableNativeWei: bigint };

/**
 * Whether a wallet can pay `wanted` on top of everything already reserved and not yet settled at or before the block
 * of `balances`. Gas is counted: the native coin must cover every reserved gas and every reserved native amount.
 */
export function judgeFunds(balances: WalletBalances, reserved: readonly ReservedFunds[], wanted: ReservedFunds): FundsVerdict {
  const native = reserved.reduce((sum, item) => sum + item.gasWei + (item.tokenAddress === null ? item.amount : 0n), 0n);
  const availableNativeWei = balances.nativeWei - native;
  const wantedToken = wanted.tokenAddress;
  if (wantedToken === null) {
    const sufficient = availableNativeWei >= wanted.amount + wanted.gasWei;
    if (sufficient) return { sufficient };
    const missing = availableNativeWei >= wanted.amount ? 'gas' : 'token';
    return { sufficient, missing, availableToken: availableNativeWei, availableNativeWei };
  }
  const token = reserved.reduce((sum, item) => sum + (item.tokenAddress !== null && sameAddress(item.tokenAddress, wantedToken) ? item.amount : 0n), 0n);
  const availableToken = balances.token - token;
  if (availableToken < wanted.amount) return { sufficient: false, missing: 'token', availableToken, availableNativeWei };
  if (availableNativeWei < wanted.gasWei) return { sufficient: false, missing: 'gas', availableToken, availableNativeWei };
  return { sufficient: true };
}
