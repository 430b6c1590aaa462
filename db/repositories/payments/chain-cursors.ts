import { and, eq, lte } from 'drizzle-orm';
import type { Queryable } from '../../client.ts';
import { chainCursors } from '../../schema/index.ts';

export interface ChainCursor {
  blockNumber: number;
  blockHash: `0x${string}`;
}

/** The last block any monitor of the chain has read; null before the first. */
export async function getCursor(queryable: Queryable, chainId: number): Promise<ChainCursor | null> {
  const [row] = await queryable.select({ blockNumber: chainCursors.blockNumber, blockHash: chainCursors.blockHash }).from(chainCursors).where(eq(chainCursors.chainId, chainId));
  return row ?? null;
}

/**
 * Moves the cursor on; it never goes back, so that a monitor that lags behind another harms nothing. At the same height the
 * later word stands: a reorg put another block there.
 */
export async function advanceCursor(queryable: Queryable, chainId: number, cursor: ChainCursor): Promise<void> {
  const row = { ...cursor, updatedAt: new Date() };
  const [moved] = await queryable
    .update(chainCursors)
    .set(row)
    .where(and(eq(chainCursors.chainId, chainId), lte(chainCursors.blockNumber, cursor.blockNumber)));
  if (moved.affectedRows > 0) return;
  // There is no row yet, or it stands higher and stays.
  await queryable
    .insert(chainCursors)
    .values({ chainId, ...row })
    .onDuplicateKeyUpdate({ set: { chainId } });
}
