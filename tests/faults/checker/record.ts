import { readFileSync } from 'node:fs';

/**
 * What the load generator and the fault injector wrote down while they ran, a JSON object a line: the run's own memory, beside
 * which the engine's books and the chain are held. Amounts are decimal strings of base units, times Unix milliseconds.
 */
export type RecordLine =
  | { type: 'run'; at: number; seed: number; chainId: number; fromBlock: number; wallets: { address: string; balances: Balance[] }[] }
  /** before the first try: from here on a payment to this recipient is no stranger's */
  | { type: 'posted'; at: number; key: string; ownerId: number; currency: string; tokenAddress: string | null; amount: string; toAddress: string }
  /** an answer 202: a promise */
  | { type: 'accepted'; at: number; key: string; requestId: string; repeat: boolean }
  | { type: 'refused'; at: number; key: string; httpStatus: number; code: string }
  /** before the call, whose answer may get lost */
  | { type: 'cancel-asked'; at: number; requestId: string }
  /** the same key with another body: must be refused */
  | { type: 'conflict'; at: number; key: string; httpStatus: number }
  /** an act of the run that moved a wallet's native balance outside of any transaction; wei, negative for a drain */
  | { type: 'balance-set'; at: number; wallet: string; deltaWei: string }
  /** a transaction the run sent from a hot wallet past the engine */
  | { type: 'foreign'; at: number; wallet: string; nonce: number; txHash: string }
  | { type: 'healed'; at: number };

export interface Balance {
  /** null for the native coin */
  tokenAddress: string | null;
  amount: string;
}

export type LineOf<Type extends RecordLine['type']> = Extract<RecordLine, { type: Type }>;

export function parseRecord(text: string): RecordLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RecordLine);
}

export function readRecord(file: string): RecordLine[] {
  return parseRecord(readFileSync(file, 'utf8'));
}

/** The lines of one type, in order. */
export function linesOf<Type extends RecordLine['type']>(record: readonly RecordLine[], type: Type): LineOf<Type>[] {
  return record.filter((line): line is LineOf<Type> => line.type === type);
}
