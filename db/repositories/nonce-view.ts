import { and, asc, eq, gte, inArray, isNull, or, sql } from 'drizzle-orm';
import type { Address } from '../../domain/address.ts';
import type { NonceRow } from '../../domain/guardian.ts';
import type { Queryable } from '../client.ts';
import { fundReservations, nonceReservations, signedTransactions } from '../schema/index.ts';
import type { NonceTruth } from './nonces.ts';

/**
 * The nonces of a wallet that are not finally explained, ascending: everything from `fromNonce` up, and below it what is
 * still open or was taken by a stranger nobody has looked at.
 */
export async function listOpenNonces(queryable: Queryable, chainId: number, walletAddress: Address, fromNonce: number): Promise<NonceRow[]> {
  const rows = await queryable
    .select({
      nonce: nonceReservations.nonce,
      state: nonceReservations.state,
      holder: nonceReservations.liveRequestId,
      consumedBy: nonceReservations.consumedBy,
      // In words: in a query over one table drizzle leaves the tables' names out, and `id` would be the attempt's own.
      hasBytes: sql<number>`EXISTS (SELECT 1 FROM signed_transactions WHERE signed_transactions.reservation_id = nonce_reservations.id)`,
    })
    .from(nonceReservations)
    .where(
      and(
        eq(nonceReservations.chainId, chainId),
        eq(nonceReservations.walletAddress, walletAddress),
        or(gte(nonceReservations.nonce, fromNonce), inArray(nonceReservations.state, ['RESERVED', 'SIGNED', 'VOIDING', 'FREED']), and(eq(nonceReservations.state, 'FOREIGN'), isNull(nonceReservations.consumedBy))),
      ),
    )
    .orderBy(asc(nonceReservations.nonce));
  return rows.map(({ nonce, state, holder, consumedBy, hasBytes }) => ({ nonce, state, holder, hasBytes: hasBytes === 1, proven: state === 'FOREIGN' && consumedBy !== null }));
}

/** What the fast front must hold, from rows as above and the first nonce never given out. */
export function truthOf(rows: readonly NonceRow[], next: number): NonceTruth {
  return {
    next,
    freed: rows.filter(({ state }) => state === 'FREED').map(({ nonce }) => nonce),
    held: rows.flatMap(({ holder, nonce }) => (holder === null ? [] : [{ requestId: holder, nonce }])),
  };
}

/** Coins a wallet has promised and not yet settled: native amounts, and the gas of everything held, wei. */
export async function sumPromisedWei(queryable: Queryable, chainId: number, walletAddress: Address): Promise<bigint> {
  const [row] = await queryable
    .select({ wei: sql<string>`CAST(COALESCE(SUM(${fundReservations.gasWei} + IF(${fundReservations.tokenAddress} IS NULL, ${fundReservations.amount}, 0)), 0) AS CHAR)` })
    .from(fundReservations)
    .where(and(eq(fundReservations.chainId, chainId), eq(fundReservations.walletAddress, walletAddress), eq(fundReservations.state, 'HELD')));
  return BigInt(row?.wei ?? '0');
}

/** True for a hash whose bytes were signed and committed here. */
export async function isOurs(queryable: Queryable, chainId: number, txHash: `0x${string}`): Promise<boolean> {
  return (await queryable.$count(signedTransactions, and(eq(signedTransactions.chainId, chainId), eq(signedTransactions.txHash, txHash)))) > 0;
}
