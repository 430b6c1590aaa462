import { and, asc, eq, inArray, ne, sql } from 'drizzle-orm';
import type { AttemptPurpose, AttemptStatus } from '../../../domain/status.ts';
import type { Queryable, Transaction } from '../../client.ts';
import { signedTransactions } from '../../schema/index.ts';
import { trackTransaction } from './chain-view.ts';

export type AttemptRow = typeof signedTransactions.$inferSelect;
export type NewAttempt = Omit<typeof signedTransactions.$inferInsert, 'id' | 'status' | 'signedAt' | 'broadcastedAt' | 'confirmedAt' | 'retryCount'> & { purpose: AttemptPurpose };

/** Attempts on one nonce reservation, oldest first. */
export async function listAttempts(queryable: Queryable, reservationId: number): Promise<AttemptRow[]> {
  return queryable.select().from(signedTransactions).where(eq(signedTransactions.reservationId, reservationId)).orderBy(asc(signedTransactions.ordinal));
}

/** True when a hash is an attempt of a request. What was once committed is never deleted, so a missing one is a database that forgot. */
export async function hasAttempt(queryable: Queryable, requestId: string, txHash: string): Promise<boolean> {
  const found = await queryable.$count(signedTransactions, and(eq(signedTransactions.requestId, requestId), eq(signedTransactions.txHash, txHash as `0x${string}`)));
  return found > 0;
}

/** The attempt of a hash, whichever request's. */
export async function findAttemptByHash(queryable: Queryable, chainId: number, txHash: `0x${string}`): Promise<AttemptRow | null> {
  const [row] = await queryable.select().from(signedTransactions).where(and(eq(signedTransactions.chainId, chainId), eq(signedTransactions.txHash, txHash)));
  return row ?? null;
}

/** Commits signed bytes, whose hash is followed on the chain from then on. The unique keys refuse a second attempt of the same ordinal, and the same hash twice. */
export async function insertAttempt(tx: Transaction, attempt: NewAttempt): Promise<void> {
  await tx.insert(signedTransactions).values({ ...attempt, status: 'SIGNED', signedAt: new Date() });
  await trackTransaction(tx, attempt.chainId, attempt.txHash, attempt.requestId);
}

/** Counts a hand-over of the bytes to a node. The first sets the time, later ones raise the retry count. */
export async function markBroadcasted(tx: Transaction, attemptId: number): Promise<void> {
  await tx
    .update(signedTransactions)
    .set({
      status: sql`IF(${signedTransactions.status} = 'SIGNED', 'BROADCASTED', ${signedTransactions.status})`,
      retryCount: sql`IF(${signedTransactions.broadcastedAt} IS NULL, 0, ${signedTransactions.retryCount} + 1)`,
      broadcastedAt: sql`COALESCE(${signedTransactions.broadcastedAt}, UTC_TIMESTAMP(3))`,
    })
    .where(eq(signedTransactions.id, attemptId));
}

/** Ends every attempt of a reservation: the winner as given, the others as `others`. Called twice: the same values again. */
export async function endAttempts(tx: Transaction, reservationId: number, winner: { txHash: `0x${string}`; status: 'CONFIRMED' | 'REVERTED' } | null, others: 'REPLACED' | 'DROPPED'): Promise<void> {
  const open: AttemptStatus[] = ['SIGNED', 'BROADCASTED'];
  const ofReservation = and(eq(signedTransactions.reservationId, reservationId), inArray(signedTransactions.status, open));
  if (winner) {
    await tx
      .update(signedTransactions)
      .set({ status: winner.status, confirmedAt: new Date() })
      .where(and(ofReservation, eq(signedTransactions.txHash, winner.txHash)));
  }
  await tx
    .update(signedTransactions)
    .set({ status: others })
    .where(winner ? and(ofReservation, ne(signedTransactions.txHash, winner.txHash)) : ofReservation);
}
