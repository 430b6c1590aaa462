import { and, asc, between, eq, gte, inArray, lt, max } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import { bookingOf, type BlockRange, type BookedWithdrawal, type KnownAttempt } from '../../../domain/reconciliation.ts';
import type { Queryable, Transaction } from '../../client.ts';
import { assets, fundReservations, nonceReservations, reconciliations, signedTransactions, withdrawalRequests } from '../../schema/index.ts';

export type ReconciliationRow = typeof reconciliations.$inferSelect;
type Hash = `0x${string}`;

/** Names in one `IN (…)`. */
const BATCH = 500;

/** The last block of a wallet that was compared; null before the first comparison. */
export async function lastCompared(queryable: Queryable, chainId: number, wallet: string): Promise<number | null> {
  const [row] = await queryable.select({ block: max(reconciliations.toBlock) }).from(reconciliations).where(ofWallet(chainId, wallet));
  return row?.block ?? null;
}

/** Every comparison of a wallet, oldest first. */
export async function listReconciliations(queryable: Queryable, chainId: number, wallet: string): Promise<ReconciliationRow[]> {
  return queryable.select().from(reconciliations).where(ofWallet(chainId, wallet)).orderBy(asc(reconciliations.id));
}

/** Records a comparison, which moves the wallet's cursor. The caller holds the wallet's row. */
export async function recordReconciliation(tx: Transaction, row: Omit<typeof reconciliations.$inferInsert, 'id' | 'finishedAt'>): Promise<void> {
  await tx.insert(reconciliations).values({ ...row, finishedAt: new Date() });
}

/** Hashes of the bytes signed on a wallet's nonces `from` (included) to `to` (not included), those seen on chain first. */
export async function hashesOfNonces(queryable: Queryable, chainId: number, wallet: string, from: number, to: number): Promise<Map<number, Hash[]>> {
  // By way of the reservations: they are indexed by nonce.
  const rows = await queryable
    .select({ nonce: nonceReservations.nonce, txHash: signedTransactions.txHash, status: signedTransactions.status })
    .from(nonceReservations)
    .innerJoin(signedTransactions, eq(signedTransactions.reservationId, nonceReservations.id))
    .where(and(eq(nonceReservations.chainId, chainId), eq(nonceReservations.walletAddress, wallet as Address), gte(nonceReservations.nonce, from), lt(nonceReservations.nonce, to)))
    .orderBy(asc(nonceReservations.nonce), asc(signedTransactions.ordinal));
  const hashes = new Map<number, Hash[]>();
  for (const { nonce, txHash, status } of rows) {
    const known = hashes.get(nonce) ?? [];
    hashes.set(nonce, status === 'CONFIRMED' || status === 'REVERTED' ? [txHash, ...known] : [...known, txHash]);
  }
  return hashes;
}

export interface Books {
  attempts: KnownAttempt[];
  withdrawals: BookedWithdrawal[];
  /** tokens of the registry, enabled or not, and of these withdrawals */
  knownTokens: string[];
}

/** What the books say of these transactions, and of everything they claim the wallet spent in the range. */
export async function readBooks(queryable: Queryable, chainId: number, wallet: string, range: BlockRange, txHashes: readonly string[]): Promise<Books> {
  const hashes = [...new Set(txHashes)] as Hash[];
  const attempts = await inBatches(hashes, (batch) =>
    queryable
      .select({ txHash: signedTransactions.txHash, requestId: signedTransactions.requestId, purpose: signedTransactions.purpose })
      .from(signedTransactions)
      .where(and(eq(signedTransactions.chainId, chainId), inArray(signedTransactions.txHash, batch), eq(signedTransactions.from, wallet as Address))),
  );
  const spent = await queryable
    .select()
    .from(fundReservations)
    .where(and(eq(fundReservations.chainId, chainId), eq(fundReservations.walletAddress, wallet as Address), between(fundReservations.settledBlock, range.from, range.to), eq(fundReservations.state, 'CONSUMED')));
  const named = await inBatches(hashes, (batch) => queryable.select().from(withdrawalRequests).where(and(eq(withdrawalRequests.chainId, chainId), inArray(withdrawalRequests.paidTxHash, batch))));
  const ids = new Set([...attempts, ...spent, ...named].map(({ requestId }) => requestId));
  const requests = await inBatches([...ids], (batch) => queryable.select().from(withdrawalRequests).where(inArray(withdrawalRequests.requestId, batch)));

  const spentBy = new Map(spent.map((row) => [row.requestId, row]));
  const withdrawals = requests.map((request): BookedWithdrawal => {
    const funds = spentBy.get(request.requestId);
    return { ...request, booking: bookingOf(request.status, request.paidTxHash), spentInBlock: funds && funds.spentAmount !== 0n ? funds.settledBlock : null };
  });
  // Money booked as spent for a withdrawal that is not there.
  const there = new Set(requests.map(({ requestId }) => requestId));
  const lost = spent
    .filter(({ requestId, spentAmount }) => !there.has(requestId) && spentAmount !== 0n)
    .map((row): BookedWithdrawal => ({ requestId: row.requestId, booking: 'lost', paidTxHash: null, paidLogIndex: null, tokenAddress: row.tokenAddress, toAddress: '', amount: row.amount, spentInBlock: row.settledBlock }));
  const registry = await queryable.select({ tokenAddress: assets.tokenAddress }).from(assets).where(eq(assets.chainId, chainId));
  const knownTokens = new Set([...registry, ...requests].flatMap(({ tokenAddress }) => (tokenAddress === null ? [] : [tokenAddress as string])));
  return { attempts, withdrawals: [...withdrawals, ...lost], knownTokens: [...knownTokens] };
}

const ofWallet = (chainId: number, wallet: string) => and(eq(reconciliations.chainId, chainId), eq(reconciliations.walletAddress, wallet as Address));

async function inBatches<Item, Row>(items: readonly Item[], read: (batch: Item[]) => Promise<Row[]>): Promise<Row[]> {
  const rows: Row[] = [];
  for (let start = 0; start < items.length; start += BATCH) rows.push(...(await read(items.slice(start, start + BATCH))));
  return rows;
}
