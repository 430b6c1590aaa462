import { sameAddress } from './address.ts';

/** A transaction of a hot wallet that this engine never signed. */
export interface ForeignTransaction {
  /** null when it created a contract */
  to: string | null;
  /** wei */
  value: bigint;
  /** call data, `0x` for none */
  input: string;
}

/**
 * Whether a foreign transaction may have moved value out of the wallet. Only a plain send to itself provably did not: a
 * call may have moved any token, so it counts as an outflow until a person has looked.
 */
export function movesValue(transaction: ForeignTransaction, wallet: string): boolean {
  if (transaction.input !== '0x') return true;
  const toItself = transaction.to !== null && sameAddress(transaction.to, wallet);
  return transaction.value > 0n && !toItself;
}
