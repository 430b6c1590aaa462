import { and, count, desc, eq, gte, inArray, lt, lte, max, ne, or, type SQL } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import type { WithdrawalStatus } from '../../../domain/status.ts';
import type { Queryable } from '../../client.ts';
import { nonceReservations, signedTransactions, wallets, withdrawalRequests } from '../../schema/index.ts';
import type { PagePosition } from './read-withdrawals.ts';
import type { WithdrawalRow } from './withdrawals.ts';

/** What an operator looks for; all of it must hold. */
export interface WithdrawalSearch {
  chainId: number;
  requestId?: string | undefined;
  /** of any attempt, or of what paid; lower case */
  txHash?: `0x${string}` | undefined;
  recipient?: Address | undefined;
  status?: WithdrawalStatus | undefined;
  /** the hot wallet it is bound to */
  signer?: Address | undefined;
  /** one it holds, or whose transaction was its own; of any wallet unless the signer is named */
  nonce?: number | undefined;
  currency?: string | undefined;
  ownerId?: number | undefined;
  /** accepted at or after */
  from?: Date | undefined;
  /** accepted before */
  to?: Date | undefined;
  after?: PagePosition | undefined;
  limit: number;
}

/** A withdrawal and what an operator sees beside it. */
export interface FoundWithdrawal {
  row: WithdrawalRow;
  /** the nonce it holds, or held last; null while it has none */
  nonce: number | null;
  attemptCount: number;
}

/** A hash or a nonce names few requests; more than these are not looked for. */
const NAMED_MAX = 1_000;

/**
 * A page of what is looked for, newest first, by keyset. A hash and a nonce are looked up first, along their own unique keys: what
 * they name is then few rows, found by the primary key.
 */
export async function searchWithdrawals(db: Queryable, search: WithdrawalSearch): Promise<{ found: FoundWithdrawal[]; next: PagePosition | null }> {
  const named = await namedBy(db, search);
  if (named?.length === 0) return { found: [], next: null };
  const positions = await pageQuery(db, search, named);
  const page = positions.slice(0, search.limit);
  const next = positions.length > search.limit ? (page.at(-1) ?? null) : null;
  return { found: await withSigning(db, await readInOrder(db, page.map(({ requestId }) => requestId))), next };
}

/** The rows, a moment later: their status may have gone on meanwhile. */
async function readInOrder(db: Queryable, ids: readonly string[]): Promise<WithdrawalRow[]> {
  if (ids.length === 0) return [];
  const rows = await db.select().from(withdrawalRequests).where(inArray(withdrawalRequests.requestId, [...ids]));
  return rows.toSorted((left, right) => ids.indexOf(left.requestId) - ids.indexOf(right.requestId));
}

/** What an operator sees of one withdrawal beside its row. */
export async function withSigning(db: Queryable, rows: readonly WithdrawalRow[]): Promise<FoundWithdrawal[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ requestId }) => requestId);
  const [nonces, attempts] = await Promise.all([
    db
      .select({ requestId: nonceReservations.requestId, nonce: max(nonceReservations.nonce) })
      .from(nonceReservations)
      .where(and(inArray(nonceReservations.requestId, ids), ne(nonceReservations.state, 'FREED')))
      .groupBy(nonceReservations.requestId),
    db.select({ requestId: signedTransactions.requestId, attempts: count() }).from(signedTransactions).where(inArray(signedTransactions.requestId, ids)).groupBy(signedTransactions.requestId),
  ]);
  const nonceOf = new Map(nonces.map(({ requestId, nonce }) => [requestId, nonce]));
  const attemptsOf = new Map(attempts.map(({ requestId, attempts: total }) => [requestId, total]));
  return rows.map((row) => ({ row, nonce: nonceOf.get(row.requestId) ?? null, attemptCount: attemptsOf.get(row.requestId) ?? 0 }));
}

/**
 * Where the rows of a page are; one more than it holds. It asks for nothing but what stands in the index beside what is filtered by, so
 * that rows that do not fit are passed over without being read.
 */
export function pageQuery(db: Queryable, search: WithdrawalSearch, named: readonly string[] | null) {
  const { requestId, toAddress, status, walletAddress, currency, ownerId, createdAt } = withdrawalRequests;
  const { after } = search;
  const where = and(
    named === null ? undefined : inArray(requestId, [...named]),
    given(search.recipient, (value) => eq(toAddress, value)),
    given(search.status, (value) => eq(status, value)),
    given(search.signer, (value) => eq(walletAddress, value)),
    given(search.currency, (value) => eq(currency, value)),
    given(search.ownerId, (value) => eq(ownerId, value)),
    given(search.from, (value) => gte(createdAt, value)),
    given(search.to, (value) => lt(createdAt, value)),
    // The first half alone is what an index range can use.
    given(after, (value) => and(lte(createdAt, value.createdAt), or(lt(createdAt, value.createdAt), lt(requestId, value.requestId)))),
  );
  return db.select({ createdAt, requestId }).from(withdrawalRequests).where(where).orderBy(desc(createdAt), desc(requestId)).limit(search.limit + 1);
}

/** The requests that id, hash and nonce leave; null when none of them is asked for. */
async function namedBy(db: Queryable, search: WithdrawalSearch): Promise<string[] | null> {
  const { requestId, txHash, nonce } = search;
  let named: string[] | null = requestId === undefined ? null : [requestId];
  const narrow = (ids: string[]) => (named === null ? [...new Set(ids)] : named.filter((id) => ids.includes(id)));
  if (txHash !== undefined) {
    const [attempts, paid] = await Promise.all([attemptsByHash(db, search.chainId, txHash), paidByHash(db, search.chainId, txHash)]);
    named = narrow([...attempts, ...paid].map((found) => found.requestId));
  }
  if (nonce !== undefined) named = narrow((await holdersOf(db, search, nonce)).flatMap((holder) => (holder.requestId === null ? [] : [holder.requestId])));
  return named;
}

export function attemptsByHash(db: Queryable, chainId: number, txHash: `0x${string}`) {
  return db.select({ requestId: signedTransactions.requestId }).from(signedTransactions).where(and(eq(signedTransactions.chainId, chainId), eq(signedTransactions.txHash, txHash))).limit(NAMED_MAX);
}

/** One transaction may hold several payments. */
export function paidByHash(db: Queryable, chainId: number, txHash: `0x${string}`) {
  return db.select({ requestId: withdrawalRequests.requestId }).from(withdrawalRequests).where(and(eq(withdrawalRequests.chainId, chainId), eq(withdrawalRequests.paidTxHash, txHash))).limit(NAMED_MAX);
}

/** Who holds a nonce of the named wallet, or of each wallet of the chain. */
export function holdersOf(db: Queryable, { chainId, signer }: Pick<WithdrawalSearch, 'chainId' | 'signer'>, nonce: number) {
  return db
    .select({ requestId: nonceReservations.requestId })
    .from(nonceReservations)
    .innerJoin(wallets, and(eq(wallets.chainId, nonceReservations.chainId), eq(wallets.address, nonceReservations.walletAddress)))
    .where(and(eq(wallets.chainId, chainId), given(signer, (value) => eq(wallets.address, value)), eq(nonceReservations.nonce, nonce), ne(nonceReservations.state, 'FREED')))
    .limit(NAMED_MAX);
}

function given<T>(value: T | undefined, condition: (value: T) => SQL | undefined): SQL | undefined {
  return value === undefined ? undefined : condition(value);
}
