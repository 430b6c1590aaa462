import type { Address } from '../domain/address.ts';
import { EngineError } from '../domain/errors.ts';
import { movesValue, soleTransferOf } from '../domain/foreign.ts';
import { declaredInTime } from '../domain/reconciliation.ts';
import type { Queryable } from '../db/client.ts';
import { listOutgoingMovements } from '../db/repositories/wallets/treasury-movements.ts';
import { readFinalHeader } from './chain/blocks.ts';
import type { NonceConsumer } from './chain/nonce-consumer.ts';
import { readFinalReceipt } from './chain/receipts.ts';
import type { Rpc } from './chain/rpc.ts';
import { readMinedTransaction } from './chain/transactions.ts';
import { makesCall } from './forgotten-outflow.ts';

/** What the transaction that consumed a nonce did, that this engine never signed. */
export interface ForeignVerdict {
  to: string | null;
  valueWei: bigint;
  /** value may have left the wallet, and nobody had declared it */
  movesValue: boolean;
  /** the declared movement it is, and the log that shows it (-1 for the native coin) */
  movement: { id: number; logIndex: number } | null;
}

/** No movement is taken. */
const NONE: ReadonlySet<number> = new Set();

/**
 * Whether value that nobody declared may have left the wallet with a foreign transaction. One is explained by a movement out of
 * this wallet only if it is the very call that makes it, mined after the declaration, and the receipt shows that transfer out of
 * the wallet and no other. A movement explains one transaction: it is open, or was recognised as this very one, and is not among
 * `taken`, the ones that explained another in the same look.
 *
 * Reads only: whoever books the transaction at the final block marks the movement. Null when no node shows the transaction;
 * throws `CHAIN_UNAVAILABLE` while endpoints differ about it, and where a declared one cannot be judged yet.
 */
export async function judgeForeign({ db, rpc }: { db: Queryable; rpc: Rpc }, wallet: Address, { txHash }: NonceConsumer, taken: ReadonlySet<number> = NONE): Promise<ForeignVerdict | null> {
  const transaction = await readMinedTransaction(rpc, txHash);
  if (!transaction) return null;
  const verdict = { to: transaction.to, valueWei: transaction.value, movement: null };
  if (!movesValue(transaction, wallet)) return { ...verdict, movesValue: false };

  const movements = (await listOutgoingMovements(db, rpc.chainId, wallet, [txHash])).filter(
    ({ id, txHash: recognisedAs, tokenAddress, counterparty, amount }) =>
      !taken.has(id) && (recognisedAs === null || recognisedAs === txHash) && makesCall(transaction, { tokenAddress: tokenAddress as Address | null, toAddress: counterparty as Address, amount }),
  );
  const [first] = movements;
  if (!first) return { ...verdict, movesValue: true };
  const receipt = await readFinalReceipt(rpc, txHash);
  const header = receipt && (await readFinalHeader(rpc, receipt.blockNumber));
  if (!receipt || !header) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getTransactionReceipt', reason: 'no node shows what a declared movement did' });
  // Undone by the chain itself: the movement still waits for its transfer.
  if (!receipt.succeeded) return { ...verdict, movesValue: false };
  const logIndex = soleTransferOf({ ...receipt, to: transaction.to, value: transaction.value }, { walletAddress: wallet, toAddress: first.counterparty, tokenAddress: first.tokenAddress, amount: first.amount });
  const movement = movements.find(({ txHash: recognisedAs }) => recognisedAs !== null) ?? movements.find(({ declaredAt }) => declaredInTime(declaredAt.getTime(), header.timestampSeconds * 1_000));
  if (logIndex === null || !movement) return { ...verdict, movesValue: true };
  return { ...verdict, movesValue: false, movement: { id: movement.id, logIndex } };
}
