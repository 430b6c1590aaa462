import { sameAddress } from './address.ts';

/** The fields of a mined transaction that say whether it took something out of the account that signed it. */
export interface SentTransaction {
  /** null for a contract creation */
  to: string | null;
  /** wei */
  value: bigint;
  /** `0x` and hex digits */
  input: string;
}

/**
 * True when a transaction of `wallet` may have moved value out of it: coins to another account, or any calldata, which
 * could be a token's transfer or an approval of one. What cannot be told apart counts as moved; a failed transaction too,
 * because whoever sent it holds the wallet's key.
 */
export function movesValue(transaction: SentTransaction, wallet: string): boolean {
  if (transaction.input !== '0x' && transaction.input !== '') return true;
  return transaction.value > 0n && (transaction.to === null || !sameAddress(transaction.to, wallet));
}
