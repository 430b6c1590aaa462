import { and, eq, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../../client.ts';
import { transactions } from '../../schema/index.ts';

export interface MinedView {
  chainId: number;
  txHash: `0x${string}`;
  requestId: string;
  succeeded: boolean;
  blockNumber: number;
  blockHash: `0x${string}`;
  gasUsed: bigint;
  effectiveGasPrice: bigint;
}

const byHash = (chainId: number, txHash: `0x${string}`) => and(eq(transactions.chainId, chainId), eq(transactions.txHash, txHash));

/** The chain's view of one hash, if it was ever tracked. */
export async function getTransaction(queryable: Queryable, chainId: number, txHash: `0x${string}`): Promise<typeof transactions.$inferSelect | null> {
  const [row] = await queryable.select().from(transactions).where(byHash(chainId, txHash));
  return row ?? null;
}

/** Starts tracking a hash. Called twice: nothing changes. */
export async function trackTransaction(tx: Transaction, chainId: number, txHash: `0x${string}`, requestId: string): Promise<void> {
  await tx
    .insert(transactions)
    .values({ chainId, txHash, requestId, status: 'PENDING', updatedAt: new Date() })
    .onDuplicateKeyUpdate({ set: { requestId } });
}

/** Records the block a hash was seen in; `final` once the chain will not take it back. Called twice: the same values again. */
export async function recordMined(tx: Transaction, view: MinedView, final: boolean): Promise<void> {
  const now = new Date();
  const columns = {
    status: view.succeeded ? ('SUCCEEDED' as const) : ('REVERTED' as const),
    blockNumber: view.blockNumber,
    blockHash: view.blockHash,
    gasUsed: view.gasUsed,
    effectiveGasPrice: view.effectiveGasPrice,
    costWei: view.gasUsed * view.effectiveGasPrice,
    updatedAt: now,
    ...(final && { finalizedAt: now }),
  };
  await tx
    .insert(transactions)
    .values({ chainId: view.chainId, txHash: view.txHash, requestId: view.requestId, seenAt: now, ...columns })
    // A tracked hash has a row already: the time it was first seen is set there, and stays.
    .onDuplicateKeyUpdate({ set: { ...columns, seenAt: sql`COALESCE(${transactions.seenAt}, ${sql.param(now, transactions.seenAt)})` } });
}

/** Forgets the block of a hash that a reorg took out of the chain. */
export async function recordUnmined(tx: Transaction, chainId: number, txHash: `0x${string}`): Promise<void> {
  await tx
    .update(transactions)
    .set({ status: 'PENDING', blockNumber: null, blockHash: null, gasUsed: null, effectiveGasPrice: null, costWei: null, seenAt: null, finalizedAt: null, updatedAt: new Date() })
    .where(byHash(chainId, txHash));
}
