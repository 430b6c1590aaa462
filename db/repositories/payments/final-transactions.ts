import { and, desc, eq, inArray, isNotNull, lt } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import type { Queryable, Transaction } from '../../client.ts';
import { nonceReservations, signedTransactions, transactions } from '../../schema/index.ts';

const HASHES_AT_ONCE = 500;

/** A transaction of ours in a block the chain has called final. */
export interface FinalTransaction {
  requestId: string;
  txHash: `0x${string}`;
  nonce: number;
  blockNumber: number;
  blockHash: `0x${string}`;
}

export interface FinalPage {
  /** newest nonce first, which is newest block first */
  transactions: FinalTransaction[];
  /** nonces from here down are on the next page; null where there are none */
  nextBelow: number | null;
}

/**
 * Those of a wallet's newest `limit` nonces, below `belowNonce` where given, that were consumed by a final transaction. Two
 * queries along their indexes: the tables hold every payment ever made, and this is asked every few seconds.
 */
export async function listFinalTransactions(queryable: Queryable, chainId: number, wallet: string, limit: number, belowNonce: number | null): Promise<FinalPage> {
  const reservations = await queryable
    .select({ id: nonceReservations.id, nonce: nonceReservations.nonce })
    .from(nonceReservations)
    .where(and(eq(nonceReservations.chainId, chainId), eq(nonceReservations.walletAddress, wallet as Address), belowNonce === null ? undefined : lt(nonceReservations.nonce, belowNonce)))
    .orderBy(desc(nonceReservations.nonce))
    .limit(limit);
  const lowest = reservations.at(-1);
  if (!lowest) return { transactions: [], nextBelow: null };
  const rows = await queryable
    .select({ requestId: transactions.requestId, txHash: transactions.txHash, nonce: signedTransactions.nonce, blockNumber: transactions.blockNumber, blockHash: transactions.blockHash })
    .from(signedTransactions)
    .innerJoin(transactions, and(eq(transactions.chainId, signedTransactions.chainId), eq(transactions.txHash, signedTransactions.txHash)))
    .where(and(inArray(signedTransactions.reservationId, reservations.map(({ id }) => id)), isNotNull(transactions.finalizedAt)))
    .orderBy(desc(signedTransactions.nonce));
  return {
    transactions: rows.flatMap(({ blockNumber, blockHash, ...row }) => (blockNumber === null || blockHash === null ? [] : [{ ...row, blockNumber, blockHash }])),
    nextBelow: reservations.length < limit ? null : lowest.nonce,
  };
}

/**
 * Takes back that a transaction is final in this block. Called twice: the second call finds it taken back.
 * @returns true when it was final there until this call
 */
export async function takeBackFinal(tx: Transaction, chainId: number, final: Pick<FinalTransaction, 'txHash' | 'blockHash'>): Promise<boolean> {
  const [result] = await tx
    .update(transactions)
    .set({ status: 'PENDING', blockNumber: null, blockHash: null, gasUsed: null, effectiveGasPrice: null, costWei: null, seenAt: null, finalizedAt: null, updatedAt: new Date() })
    .where(and(eq(transactions.chainId, chainId), eq(transactions.txHash, final.txHash), eq(transactions.blockHash, final.blockHash), isNotNull(transactions.finalizedAt)));
  return result.affectedRows === 1;
}

/** The blocks in which these hashes were last seen; those seen in none are left out. */
export async function listInclusions(queryable: Queryable, chainId: number, txHashes: readonly `0x${string}`[]): Promise<{ txHash: `0x${string}`; blockNumber: number; blockHash: `0x${string}` }[]> {
  const found: { txHash: `0x${string}`; blockNumber: number; blockHash: `0x${string}` }[] = [];
  for (let start = 0; start < txHashes.length; start += HASHES_AT_ONCE) {
    const rows = await queryable
      .select({ txHash: transactions.txHash, blockNumber: transactions.blockNumber, blockHash: transactions.blockHash })
      .from(transactions)
      .where(and(eq(transactions.chainId, chainId), inArray(transactions.txHash, txHashes.slice(start, start + HASHES_AT_ONCE)), isNotNull(transactions.blockHash)));
    for (const { txHash, blockNumber, blockHash } of rows) if (blockNumber !== null && blockHash !== null) found.push({ txHash, blockNumber, blockHash });
  }
  return found;
}
