import { sameAddress } from './address.ts';
import { isTransferFrom, judgePayment, type ExpectedPayment, type MinedTransaction } from './payment.ts';

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

/**
 * The log of the expected transfer, if the transaction shows it exactly once and shows no other transfer out of the wallet, of
 * whatever token: then what it moved is known. Null otherwise.
 */
export function soleTransferOf(mined: MinedTransaction, expected: ExpectedPayment): number | null {
  const verdict = judgePayment(mined, expected);
  if (verdict.kind !== 'paid') return null;
  const others = mined.logs.filter((log) => log.logIndex !== verdict.logIndex && isTransferFrom(log, expected.walletAddress));
  return others.length === 0 ? verdict.logIndex : null;
}
