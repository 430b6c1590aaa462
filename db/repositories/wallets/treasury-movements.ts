import { and, asc, desc, eq, inArray, isNotNull, isNull, lt, or } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import type { Queryable, Transaction } from '../../client.ts';
import { treasuryMovements } from '../../schema/index.ts';

export type MovementRow = typeof treasuryMovements.$inferSelect;
export type NewMovement = Pick<typeof treasuryMovements.$inferInsert, 'chainId' | 'walletAddress' | 'direction' | 'tokenAddress' | 'amount' | 'counterparty' | 'reason' | 'declaredBy' | 'declarationKey'>;

const ofWallet = (chainId: number, wallet: string) => and(eq(treasuryMovements.chainId, chainId), eq(treasuryMovements.walletAddress, wallet as Address));

/**
 * Declares a movement between a hot wallet and somebody, before it is made. Called twice: two movements, each of which
 * explains one transfer.
 * @returns its id
 */
export async function declareMovement(queryable: Queryable, movement: NewMovement, declaredAt = new Date()): Promise<number> {
  const [result] = await queryable.insert(treasuryMovements).values({ ...movement, reason: movement.reason.slice(0, 255), declaredBy: movement.declaredBy.slice(0, 128), declaredAt });
  return result.insertId;
}

/** Movements of a chain, oldest first; only those no transfer was recognised as, where `open`. */
export async function listMovements(queryable: Queryable, chainId: number, options: { open?: boolean } = {}): Promise<MovementRow[]> {
  return queryable
    .select()
    .from(treasuryMovements)
    .where(and(eq(treasuryMovements.chainId, chainId), options.open ? isNull(treasuryMovements.matchedAt) : undefined))
    .orderBy(asc(treasuryMovements.id));
}

/** A page of the movements of a chain, newest first; only open ones, or only those a transfer was recognised as, where `matched` says so. */
export async function pageMovements(queryable: Queryable, page: { chainId: number; matched?: boolean | undefined; beforeId?: number | undefined; limit: number }): Promise<{ rows: MovementRow[]; next: number | null }> {
  const { id, chainId, matchedAt } = treasuryMovements;
  const found = await queryable
    .select()
    .from(treasuryMovements)
    .where(and(eq(chainId, page.chainId), page.matched === undefined ? undefined : page.matched ? isNotNull(matchedAt) : isNull(matchedAt), page.beforeId === undefined ? undefined : lt(id, page.beforeId)))
    .orderBy(desc(id))
    .limit(page.limit + 1);
  const rows = found.slice(0, page.limit);
  return { rows, next: found.length > page.limit ? (rows.at(-1)?.id ?? null) : null };
}

/** Takes back a declaration nothing was recognised as. @returns false when there is none, or it is used up */
export async function revokeMovement(queryable: Queryable, chainId: number, id: number): Promise<boolean> {
  const [result] = await queryable.delete(treasuryMovements).where(and(eq(treasuryMovements.chainId, chainId), eq(treasuryMovements.id, id), isNull(treasuryMovements.matchedAt)));
  return result.affectedRows === 1;
}

/** Movements out of a wallet that may explain a transfer: the open ones, and those recognised in one of these transactions. */
export async function listOutgoingMovements(queryable: Queryable, chainId: number, wallet: string, txHashes: readonly string[]): Promise<MovementRow[]> {
  const recognised = txHashes.length === 0 ? undefined : inArray(treasuryMovements.txHash, txHashes as `0x${string}`[]);
  return queryable
    .select()
    .from(treasuryMovements)
    .where(and(ofWallet(chainId, wallet), eq(treasuryMovements.direction, 'OUT'), or(isNull(treasuryMovements.matchedAt), recognised)))
    .orderBy(asc(treasuryMovements.id));
}

/**
 * Notes which transfer a movement was. Called twice: the first transfer stays. The unique key refuses a transfer that
 * another movement explains already.
 */
export async function markMovement(tx: Transaction, id: number, transfer: { txHash: string; logIndex: number }): Promise<void> {
  await tx
    .update(treasuryMovements)
    .set({ txHash: transfer.txHash as `0x${string}`, logIndex: transfer.logIndex, matchedAt: new Date() })
    .where(and(eq(treasuryMovements.id, id), isNull(treasuryMovements.matchedAt)));
}

/**
 * Notes which transfer a movement was, and says whether it is that one now. Called twice: true again. False when it was
 * recognised as another transfer, or taken back, meanwhile.
 */
export async function claimMovement(tx: Transaction, id: number, transfer: { txHash: string; logIndex: number }): Promise<boolean> {
  await markMovement(tx, id, transfer);
  const [row] = await tx.select().from(treasuryMovements).where(eq(treasuryMovements.id, id)).for('update');
  return row?.txHash === transfer.txHash && row.logIndex === transfer.logIndex;
}
