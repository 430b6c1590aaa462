import { and, eq, gte, inArray, isNull, lt, sql, type SQL } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import type { NonceRow } from '../../../domain/guardian.ts';
import type { Queryable } from '../../client.ts';
import { exactSum } from '../../schema/columns.ts';
import { fundReservations, nonceReservations, signedTransactions } from '../../schema/index.ts';
import type { NonceTruth } from './nonces.ts';

/**
 * The nonces of a wallet that are not finally explained, ascending: everything from `fromNonce` up, and below it what is
 * still open or was taken by a stranger nobody has looked at. Three queries, so that each walks an index of its own however
 * many nonces lie behind.
 */
export async function listOpenNonces(queryable: Queryable, chainId: number, walletAddress: Address, fromNonce: number): Promise<NonceRow[]> {
  const below = lt(nonceReservations.nonce, fromNonce);
  const open = await select(queryable, chainId, walletAddress, and(below, inArray(nonceReservations.state, ['RESERVED', 'SIGNED', 'VOIDING', 'FREED'])));
  const unseen = await select(queryable, chainId, walletAddress, and(below, eq(nonceReservations.state, 'FOREIGN'), isNull(nonceReservations.consumedBy)));
  const recent = await select(queryable, chainId, walletAddress, gte(nonceReservations.nonce, fromNonce));
  return [...open, ...unseen, ...recent].toSorted((left, right) => left.nonce - right.nonce);
}

async function select(queryable: Queryable, chainId: number, walletAddress: Address, which: SQL | undefined): Promise<NonceRow[]> {
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
    .where(and(eq(nonceReservations.chainId, chainId), eq(nonceReservations.walletAddress, walletAddress), which));
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
    .select({ wei: exactSum(sql`${fundReservations.gasWei} + IF(${fundReservations.tokenAddress} IS NULL, ${fundReservations.amount}, 0)`) })
    .from(fundReservations)
    .where(and(eq(fundReservations.chainId, chainId), eq(fundReservations.walletAddress, walletAddress), eq(fundReservations.state, 'HELD')));
  return BigInt(row?.wei ?? '0');
}

/** True for a hash whose bytes were signed and committed here. */
export async function isOurs(queryable: Queryable, chainId: number, txHash: `0x${string}`): Promise<boolean> {
  return (await queryable.$count(signedTransactions, and(eq(signedTransactions.chainId, chainId), eq(signedTransactions.txHash, txHash)))) > 0;
}
