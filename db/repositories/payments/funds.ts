import { and, eq, gt, ne, sql, type SQL, type SQLWrapper } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import type { ReservedFunds } from '../../../domain/funds.ts';
import type { Queryable, Transaction } from '../../client.ts';
import { exactSum, exactUnits } from '../../schema/columns.ts';
import { fundReservations } from '../../schema/index.ts';

export type FundReservationRow = typeof fundReservations.$inferSelect;

/** The reservation of a request, if it ever had one. */
export async function getFunds(queryable: Queryable, requestId: string): Promise<FundReservationRow | null> {
  const [row] = await queryable.select().from(fundReservations).where(eq(fundReservations.requestId, requestId));
  return row ?? null;
}

/**
 * Everything a balance read at `balanceBlock` does not show yet, added up by token: what is held, and what was settled by a later
 * block. Where it decides about money the caller holds the wallet's row. Two queries, each along an index of its own, whatever waits
 * and however much was ever paid.
 */
export async function listReserved(queryable: Queryable, chainId: number, walletAddress: string, balanceBlock: number): Promise<ReservedFunds[]> {
  const { tokenAddress, amount, gasWei, spentAmount, spentGasWei, state, settledBlock } = fundReservations;
  const sums = (units: SQLWrapper, gas: SQLWrapper, which: SQL) =>
    queryable
      .select({ tokenAddress, amount: exactSum(units), gasWei: exactSum(gas) })
      .from(fundReservations)
      .where(and(eq(fundReservations.chainId, chainId), eq(fundReservations.walletAddress, walletAddress as Address), which))
      .groupBy(tokenAddress);
  const held = await sums(amount, gasWei, eq(state, 'HELD'));
  const later = await sums(spentAmount, spentGasWei, sql`${gt(settledBlock, balanceBlock)} AND ${ne(state, 'HELD')}`);
  return [...held, ...later].map((row) => ({ tokenAddress: row.tokenAddress, amount: BigInt(row.amount), gasWei: BigInt(row.gasWei) }));
}

/** How many reservations a wallet holds. */
export async function countHeld(queryable: Queryable, chainId: number, walletAddress: string): Promise<number> {
  return queryable.$count(fundReservations, and(eq(fundReservations.chainId, chainId), eq(fundReservations.walletAddress, walletAddress as Address), eq(fundReservations.state, 'HELD')));
}

/** Holds funds for a request. The primary key refuses a second reservation of the same request. */
export async function holdFunds(tx: Transaction, reservation: { requestId: string; chainId: number; walletAddress: Address; tokenAddress: Address | null; amount: bigint; gasLimit: bigint; gasWei: bigint }): Promise<void> {
  await tx.insert(fundReservations).values({ ...reservation, state: 'HELD', createdAt: new Date() });
}

/** Raises the gas held for a request to what its newest attempt may cost. Never lowers it. */
export async function raiseGas(tx: Transaction, requestId: string, gasWei: bigint): Promise<void> {
  const held = await getFunds(tx, requestId);
  if (!held || held.state !== 'HELD' || held.gasWei >= gasWei) return;
  await tx.update(fundReservations).set({ gasWei }).where(and(eq(fundReservations.requestId, requestId), eq(fundReservations.state, 'HELD')));
}

export interface FundSettlement {
  state: 'CONSUMED' | 'RELEASED';
  /** base units that left the wallet */
  spentAmount: bigint;
  spentGasWei: bigint;
  /** null when nothing was mined */
  settledBlock: number | null;
}

/** Books gas that left the wallet while the reservation stays held: a voided nonce whose withdrawal goes on. Not idempotent: call it where the nonce is ended, which happens once. */
export async function bookGas(tx: Transaction, requestId: string, spentGasWei: bigint): Promise<void> {
  await tx
    .update(fundReservations)
    .set({ spentGasWei: sql`COALESCE(${fundReservations.spentGasWei}, 0) + ${exactUnits(spentGasWei)}` })
    .where(and(eq(fundReservations.requestId, requestId), eq(fundReservations.state, 'HELD')));
}

/**
 * Ends a reservation, once: only a held one is touched. Gas that was booked while it was held is added to.
 * @returns false when it had ended before, or never was
 */
export async function settleFunds(tx: Transaction, requestId: string, settlement: FundSettlement): Promise<boolean> {
  const [result] = await tx
    .update(fundReservations)
    .set({ ...settlement, spentGasWei: sql`COALESCE(${fundReservations.spentGasWei}, 0) + ${exactUnits(settlement.spentGasWei)}`, settledAt: new Date() })
    .where(and(eq(fundReservations.requestId, requestId), eq(fundReservations.state, 'HELD')));
  return result.affectedRows === 1;
}
