import { and, asc, eq, gte, inArray, lt } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import { EngineError } from '../../../domain/errors.ts';
import { mayFree } from '../../../domain/attempts.ts';
import { decideNonce } from '../../../domain/nonces.ts';
import { isEnd, type NonceState } from '../../../domain/status.ts';
import type { Database, Queryable, Transaction } from '../../client.ts';
import { nonceReservations, signedTransactions } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { lockWallet, setNextNonce } from '../wallets/wallets.ts';
import { lockWithdrawal, moveTo } from '../withdrawals/withdrawals.ts';

export type NonceReservationRow = typeof nonceReservations.$inferSelect;

const UNMINED: NonceState[] = ['RESERVED', 'SIGNED', 'VOIDING'];
/** More strangers' transactions at once than this is not a foreign transaction but a wrong chain or a restored backup. */
const FOREIGN_NONCES_MAX = 1_000;

const ofWallet = (chainId: number, wallet: string) => and(eq(nonceReservations.chainId, chainId), eq(nonceReservations.walletAddress, wallet as Address));

/** The nonce a request holds now, if any. */
export async function getLiveReservation(queryable: Queryable, requestId: string): Promise<NonceReservationRow | null> {
  const [row] = await queryable.select().from(nonceReservations).where(eq(nonceReservations.liveRequestId, requestId));
  return row ?? null;
}

/** The same, with the row held until the transaction ends. */
export async function lockLiveReservation(tx: Transaction, requestId: string): Promise<NonceReservationRow | null> {
  const [row] = await tx.select().from(nonceReservations).where(eq(nonceReservations.liveRequestId, requestId)).for('update');
  return row ?? null;
}

export interface NonceRequest {
  requestId: string;
  chainId: number;
  walletAddress: Address;
  /** the chain's transaction count of the wallet at the latest block */
  chainNonce: number;
  /** how many unmined nonces the wallet may hold */
  window: number;
}

/** What the fast front must hold to agree with MySQL again. */
export interface NonceTruth {
  next: number;
  freed: number[];
  held: { requestId: string; nonce: number }[];
}

export interface ReservedNonce {
  reservation: NonceReservationRow;
  truth: NonceTruth;
}

/**
 * Gives the request its nonce while holding the wallet's row, so the sequence has no gaps and no nonce is given twice,
 * whatever a faster front proposed. Called twice for one request: the same nonce. Dies in the middle: nothing was given.
 *
 * Nonces the chain has counted that carry no bytes of ours were taken by a stranger; they are passed over (resync).
 * Throws `WINDOW_FULL` while the wallet holds as many unmined nonces as it may; `INVALID_STATE` for a request that has
 * ended meanwhile, and `PARKED` for one that waits for a person: nobody would free its nonce, and every later one would
 * wait behind it.
 */
export async function reserveNonce(db: Database, request: NonceRequest): Promise<ReservedNonce> {
  return transact(db, async (tx) => {
    const { status } = await lockWithdrawal(tx, request.requestId);
    if (isEnd(status)) throw new EngineError('INVALID_STATE', { status });
    if (status === 'DEAD_LETTERED') throw new EngineError('PARKED', { requestId: request.requestId });
    const wallet = await lockWallet(tx, request.chainId, request.walletAddress);
    // A draining wallet takes no new withdrawals, but pays those it is bound to.
    if (wallet.status !== 'ACTIVE' && wallet.status !== 'DRAINING') throw new EngineError('WALLET_UNAVAILABLE', { wallet: wallet.address, reason: wallet.status });
    const next = await passOverForeign(tx, request, wallet.nextNonce);
    const own = await getLiveReservation(tx, request.requestId);
    if (own) {
      await showSigning(tx, own);
      return { reservation: own, truth: await readTruth(tx, request, next) };
    }

    const inFlight = await tx.$count(nonceReservations, and(ofWallet(request.chainId, request.walletAddress), inArray(nonceReservations.state, UNMINED), gte(nonceReservations.nonce, request.chainNonce)));
    if (inFlight >= request.window) throw new EngineError('WINDOW_FULL', { wallet: request.walletAddress, window: String(request.window) });

    const [freed] = await tx
      .select()
      .from(nonceReservations)
      .where(and(ofWallet(request.chainId, request.walletAddress), eq(nonceReservations.state, 'FREED')))
      .orderBy(asc(nonceReservations.nonce))
      .limit(1);
    const decision = decideNonce({ own: null, lowestFreed: freed?.nonce ?? null, next });
    if (decision.source === 'freed' && freed) await takeFreed(tx, freed, request.requestId);
    else await takeNext(tx, request, decision.nonce);
    const reservation = await getLiveReservation(tx, request.requestId);
    if (reservation?.nonce !== decision.nonce) throw new Error('a nonce was decided but not recorded');
    await showSigning(tx, reservation);
    return { reservation, truth: await readTruth(tx, request, Math.max(next, decision.nonce + 1)) };
  });
}

/** In the same transaction, and only while no bytes are committed: a signer that slept must not take the status back. */
async function showSigning(tx: Transaction, { requestId, state, nonce, walletAddress }: NonceReservationRow): Promise<void> {
  if (requestId !== null && state === 'RESERVED') await moveTo(tx, requestId, 'SIGNING', 'nonce reserved', { detail: { nonce, wallet: walletAddress } });
}

/**
 * Nonces the chain has counted on which we never committed bytes: a stranger used them, or this database forgot. Ascending;
 * empty for a wallet that never gave out a nonce. Throws `WALLET_UNAVAILABLE` for more than a stranger would use.
 */
export async function listUnexplained(queryable: Queryable, wallet: { chainId: number; address: string; nextNonce: number | null }, chainNonce: number): Promise<number[]> {
  const { chainId, address, nextNonce } = wallet;
  if (nextNonce === null) return [];
  const missing = Math.max(0, chainNonce - nextNonce);
  if (missing > FOREIGN_NONCES_MAX) throw new EngineError('WALLET_UNAVAILABLE', { wallet: address, reason: `the chain is ${missing} nonces ahead of the database` });
  const unsigned = await queryable
    .select({ nonce: nonceReservations.nonce })
    .from(nonceReservations)
    .where(and(ofWallet(chainId, address), inArray(nonceReservations.state, ['RESERVED', 'FREED']), lt(nonceReservations.nonce, chainNonce)))
    .orderBy(asc(nonceReservations.nonce));
  return [...unsigned.map(({ nonce }) => nonce), ...Array.from({ length: missing }, (_, index) => nextNonce + index)];
}

/** Marks nonces a stranger used and returns the first nonce never given out. */
async function passOverForeign(tx: Transaction, request: NonceRequest, nextNonce: number | null): Promise<number> {
  if (nextNonce === null) {
    await setNextNonce(tx, request.chainId, request.walletAddress, request.chainNonce);
    return request.chainNonce;
  }
  // No bytes were ever committed on these, so whatever the chain counted there is not ours.
  await tx
    .update(nonceReservations)
    .set({ state: 'FOREIGN', liveRequestId: null, updatedAt: new Date() })
    .where(and(ofWallet(request.chainId, request.walletAddress), inArray(nonceReservations.state, ['RESERVED', 'FREED']), lt(nonceReservations.nonce, request.chainNonce)));
  if (request.chainNonce <= nextNonce) return nextNonce;
  const missing = request.chainNonce - nextNonce;
  if (missing > FOREIGN_NONCES_MAX) throw new EngineError('WALLET_UNAVAILABLE', { wallet: request.walletAddress, reason: `the chain is ${missing} nonces ahead of the database` });
  const now = new Date();
  await tx.insert(nonceReservations).values(
    Array.from({ length: missing }, (_, index) => ({ chainId: request.chainId, walletAddress: request.walletAddress, nonce: nextNonce + index, generation: 0, state: 'FOREIGN' as const, updatedAt: now })),
  );
  await setNextNonce(tx, request.chainId, request.walletAddress, request.chainNonce);
  return request.chainNonce;
}

async function takeFreed(tx: Transaction, freed: NonceReservationRow, requestId: string): Promise<void> {
  await tx
    .update(nonceReservations)
    .set({ state: 'RESERVED', requestId, liveRequestId: requestId, generation: freed.generation + 1, updatedAt: new Date() })
    .where(and(eq(nonceReservations.id, freed.id), eq(nonceReservations.state, 'FREED')));
}

async function takeNext(tx: Transaction, request: NonceRequest, nonce: number): Promise<void> {
  await tx.insert(nonceReservations).values({
    chainId: request.chainId,
    walletAddress: request.walletAddress,
    nonce,
    requestId: request.requestId,
    liveRequestId: request.requestId,
    generation: 1,
    state: 'RESERVED',
    updatedAt: new Date(),
  });
  await setNextNonce(tx, request.chainId, request.walletAddress, nonce + 1);
}

async function readTruth(tx: Transaction, request: NonceRequest, next: number): Promise<NonceTruth> {
  const rows = await tx
    .select({ nonce: nonceReservations.nonce, state: nonceReservations.state, requestId: nonceReservations.liveRequestId })
    .from(nonceReservations)
    .where(and(ofWallet(request.chainId, request.walletAddress), inArray(nonceReservations.state, [...UNMINED, 'FREED'])));
  return {
    next,
    freed: rows.filter((row) => row.state === 'FREED').map((row) => row.nonce),
    held: rows.flatMap((row) => (row.requestId === null ? [] : [{ requestId: row.requestId, nonce: row.nonce }])),
  };
}

/**
 * Gives back the nonce of a request on which no bytes were committed. Called twice, or with bytes committed: nothing
 * happens. The next withdrawal takes the lowest freed nonce first, so no gap is left.
 * @returns the freed reservation, or null
 */
export async function freeNonce(tx: Transaction, requestId: string): Promise<NonceReservationRow | null> {
  const reservation = await lockLiveReservation(tx, requestId);
  if (!reservation || !mayFree({ state: reservation.state, attempts: await tx.$count(signedTransactions, eq(signedTransactions.reservationId, reservation.id)) })) return null;
  await tx.update(nonceReservations).set({ state: 'FREED', liveRequestId: null, updatedAt: new Date() }).where(eq(nonceReservations.id, reservation.id));
  return reservation;
}

/** Records that bytes exist on the nonce (`SIGNED`), or that from now on only a filler may (`VOIDING`). The caller holds the row. */
export async function markNonce(tx: Transaction, reservationId: number, state: 'SIGNED' | 'VOIDING'): Promise<void> {
  await tx.update(nonceReservations).set({ state, updatedAt: new Date() }).where(eq(nonceReservations.id, reservationId));
}

/** Ends a reservation the chain has finally ruled on. `consumedBy` is our hash, or null for a stranger's transaction. */
export async function endNonce(tx: Transaction, reservationId: number, consumedBy: `0x${string}` | null): Promise<void> {
  await tx
    .update(nonceReservations)
    .set({ state: consumedBy === null ? 'FOREIGN' : 'CONSUMED', consumedBy, liveRequestId: null, updatedAt: new Date() })
    .where(eq(nonceReservations.id, reservationId));
}
