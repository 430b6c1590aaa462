import { and, eq, gte, inArray, lt, sql } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import type { ReservedFunds } from '../../../domain/funds.ts';
import type { Queryable, Transaction } from '../../client.ts';
import { exactSum } from '../../schema/columns.ts';
import { fundReservations, walletObservations, withdrawalRequests } from '../../schema/index.ts';
import { listReserved } from '../payments/funds.ts';

export type WalletObservation = typeof walletObservations.$inferSelect;

/** How the coin is named where a token's address would stand. */
export const NATIVE = 'native';

/** The name of an asset among a wallet's observations. */
export const assetKeyOf = (tokenAddress: string | null): string => tokenAddress ?? NATIVE;

/** What was last seen of the wallets of a chain; of some of them where given. */
export async function listObservations(queryable: Queryable, chainId: number, wallets?: readonly string[]): Promise<WalletObservation[]> {
  if (wallets?.length === 0) return [];
  return queryable
    .select()
    .from(walletObservations)
    .where(and(eq(walletObservations.chainId, chainId), wallets && inArray(walletObservations.walletAddress, wallets as Address[])));
}

/**
 * Writes down one look at a wallet, all its assets at once. Called twice, or by two workers: the later one stands; both saw the
 * same chain. What is no longer looked at keeps its last row, with its age.
 */
export async function recordObservations(tx: Transaction, rows: readonly (typeof walletObservations.$inferInsert)[]): Promise<void> {
  for (const row of rows) await tx.insert(walletObservations).values(row).onDuplicateKeyUpdate({ set: { ...row } });
}

/** Sums over a wallet's reservations, base units by asset (`native`: coin amounts and all gas). An asset without any is absent. */
export type SumsByAsset = ReadonlyMap<string, bigint>;

/** What a balance read at `balanceBlock` does not show yet: everything held, and what a later block settled. For people: no row is held. */
export async function sumReserved(queryable: Queryable, chainId: number, walletAddress: Address, balanceBlock: number): Promise<SumsByAsset> {
  return byAsset(await listReserved(queryable, chainId, walletAddress, balanceBlock));
}

/** What was promised from a moment on, up to another, and is still held, or was spent. A promise that was released counts with its gas only. */
export async function sumSpent(queryable: Queryable, chainId: number, walletAddress: Address, time: { from: Date; to: Date | null }): Promise<SumsByAsset> {
  const { createdAt } = fundReservations;
  const held = sql`${fundReservations.state} = 'HELD'`;
  const rows = await queryable
    .select({
      tokenAddress: fundReservations.tokenAddress,
      amount: exactSum(sql`IF(${held}, ${fundReservations.amount}, COALESCE(${fundReservations.spentAmount}, 0))`),
      gasWei: exactSum(sql`IF(${held}, ${fundReservations.gasWei}, COALESCE(${fundReservations.spentGasWei}, 0))`),
    })
    .from(fundReservations)
    .where(and(eq(fundReservations.chainId, chainId), eq(fundReservations.walletAddress, walletAddress), gte(createdAt, time.from), time.to === null ? undefined : lt(createdAt, time.to)))
    .groupBy(fundReservations.tokenAddress);
  return byAsset(rows.map(({ tokenAddress, amount, gasWei }) => ({ tokenAddress, amount: BigInt(amount), gasWei: BigInt(gasWei) })));
}

function byAsset(rows: readonly ReservedFunds[]): SumsByAsset {
  const sums = new Map<string, bigint>();
  const add = (asset: string, value: bigint) => sums.set(asset, (sums.get(asset) ?? 0n) + value);
  for (const { tokenAddress, amount, gasWei } of rows) {
    add(assetKeyOf(tokenAddress), amount);
    add(NATIVE, gasWei);
  }
  return sums;
}

/** The smallest amount by currency that waits for a wallet to be funded, base units. A currency nobody waits for is absent. */
export async function smallestWaiting(queryable: Queryable, chainId: number): Promise<ReadonlyMap<string, bigint>> {
  const rows = await queryable
    .select({ currency: withdrawalRequests.currency, amount: sql<string>`CAST(MIN(${withdrawalRequests.amount}) AS CHAR)` })
    .from(withdrawalRequests)
    .where(and(eq(withdrawalRequests.status, 'AWAITING_FUNDS'), eq(withdrawalRequests.chainId, chainId)))
    .groupBy(withdrawalRequests.currency);
  return new Map(rows.map(({ currency, amount }) => [currency, BigInt(amount)]));
}
