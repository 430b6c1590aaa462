import { and, asc, desc, eq, gte, inArray, lt, notInArray, sql } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import { END_STATUSES, isEnd, type AttemptPurpose, type EndStatus, type NonceState, type WithdrawalStatus } from '../../../domain/status.ts';
import type { WithdrawalMemo } from '../../../domain/withdrawal-start.ts';
import type { Database, Queryable, Transaction } from '../../client.ts';
import { fundReservations, idempotencyKeys, nonceReservations, outbox, signedTransactions, users, withdrawalRequests } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { endAttempts, insertAttempt, listAttempts, type AttemptRow } from '../payments/attempts.ts';
import { appendEvent } from '../withdrawals/events.ts';
import { getFunds, holdFunds, raiseGas, settleFunds } from '../payments/funds.ts';
import { endNonce, lockLiveReservation, markNonce, type NonceReservationRow, type NonceTruth } from '../payments/nonces.ts';
import { lockWallet, setNextNonce, type WalletRow } from '../wallets/wallets.ts';
import { lockWithdrawal, setWithdrawal } from '../withdrawals/withdrawals.ts';

type Hash = `0x${string}`;

/** A signed transaction the database does not have, as the chain (or a node's pool) shows it. */
export interface RestoredAttempt {
  txHash: Hash;
  /** `0x` where the bytes are lost: they can still be mined by whoever has them, so the nonce must be voided */
  rawTransaction: string;
  purpose: AttemptPurpose;
  to: Address;
  value: bigint;
  gasLimit: bigint;
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

/** What is known of one nonce of a request, attempts in the order they were signed. */
export interface RestoredNonce {
  walletAddress: Address;
  nonce: number;
  /** those the database does not have */
  attempts: readonly RestoredAttempt[];
  /** set when the chain has finally ruled on it and it did not pay; `consumedBy` is null for a stranger's transaction */
  ended: { consumedBy: Hash | null; reverted: boolean } | null;
}

/** What a request's rows lack. Every part is found out again, and left alone, when it is there already. */
export interface RequestRepair {
  requestId: string;
  chainId: number;
  /** the rows themselves, from the workflow's memo; null when they are there */
  memo: WithdrawalMemo | null;
  /** in the order they were taken; only the last may be live */
  nonces: readonly RestoredNonce[];
  tokenAddress: Address | null;
  amount: bigint;
  /** the end its workflow had reached, where nothing on chain is open any more */
  end: EndStatus | null;
  /** gas that its ended nonces cost, wei */
  spentGasWei: bigint;
  cancelAsked: boolean;
  /** a person knows that its idempotency key has made another request since: the rows are written without it */
  leavesKey: boolean;
}

/** A request to be restored that the database contradicts. Nothing of it is written. */
export class Contradiction extends Error {
  override readonly name = 'Contradiction';
}

/**
 * Writes what a request's rows lack, in one transaction: rows, attempts, nonces, funds. Called twice: the second call finds
 * all of it and writes nothing. Dies in the middle: nothing was written. Throws `Contradiction` when a nonce or key
 * carries somebody else's bytes. Held funds are written without a look at the balance: the bytes exist, whatever it is.
 */
export async function restoreRequest(db: Database, repair: RequestRepair): Promise<void> {
  await transact(db, async (tx) => {
    if (repair.memo) await insertRows(tx, repair, repair.memo);
    const row = await lockWithdrawal(tx, repair.requestId);
    if (isEnd(row.status)) return;
    for (const nonce of repair.nonces) await restoreNonce(tx, repair, nonce);
    const live = repair.nonces.findLast(({ ended }) => ended === null);
    if (live) await restoreLive(tx, repair, live, row.status);
    if (repair.cancelAsked && row.cancelIntentAt === null) await tx.update(withdrawalRequests).set({ cancelIntentAt: new Date() }).where(eq(withdrawalRequests.requestId, repair.requestId));
    if (repair.end) await endRequest(tx, repair, repair.end);
  });
}

async function insertRows(tx: Transaction, { requestId, chainId, leavesKey }: RequestRepair, memo: WithdrawalMemo): Promise<void> {
  const { sealed } = memo;
  const createdAt = new Date(sealed.createdAt);
  const now = new Date();
  // A lock, so that two recoveries at once write one row.
  const [existing] = await tx.select({ requestId: withdrawalRequests.requestId }).from(withdrawalRequests).where(eq(withdrawalRequests.requestId, requestId)).for('update');
  if (existing) return;
  const [key] = await tx
    .select()
    .from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.ownerId, memo.ownerId), eq(idempotencyKeys.keyHash, memo.idempotencyKeyHash)));
  if (key && key.requestId !== requestId && !leavesKey) throw new Contradiction(`its idempotency key has made ${key.requestId} since`);
  if (!key) await tx.insert(idempotencyKeys).values({ ownerId: memo.ownerId, keyHash: memo.idempotencyKeyHash, bodyHash: sealed.bodyHash, requestId, createdAt });
  await tx.insert(withdrawalRequests).values({
    requestId,
    ownerId: memo.ownerId,
    correlationId: sealed.correlationId,
    network: sealed.network,
    chainId,
    currency: sealed.currency,
    tokenAddress: sealed.tokenAddress as Address | null,
    decimals: sealed.decimals,
    amount: BigInt(sealed.amount),
    toAddress: sealed.toAddress as Address,
    seal: sealed.seal,
    status: 'PENDING',
    createdAt,
    updatedAt: now,
  });
  await tx.insert(outbox).values({ requestId, createdAt, dispatchedAt: now }).onDuplicateKeyUpdate({ set: { dispatchedAt: now } });
  await appendEvent(tx, { requestId, type: 'recovered from Temporal', status: 'PENDING' });
}

async function restoreNonce(tx: Transaction, repair: RequestRepair, restored: RestoredNonce): Promise<void> {
  const { requestId, chainId } = repair;
  const wallet = await lockWallet(tx, chainId, restored.walletAddress);
  const reservation = await takeOver(tx, repair, restored);
  const before = await listAttempts(tx, reservation.id);
  let ordinal = (before.at(-1)?.ordinal ?? -1) + 1;
  for (const attempt of restored.attempts) {
    if (before.some(({ txHash }) => txHash === attempt.txHash)) continue;
    await insertAttempt(tx, { ...attempt, requestId, reservationId: reservation.id, ordinal, chainId, nonce: restored.nonce, from: restored.walletAddress });
    await appendEvent(tx, { requestId, type: 'signed transaction recovered', detail: { txHash: attempt.txHash, nonce: restored.nonce, purpose: attempt.purpose } });
    ordinal += 1;
  }
  if (wallet.nextNonce !== null && wallet.nextNonce <= restored.nonce) await setNextNonce(tx, chainId, restored.walletAddress, restored.nonce + 1);
  const voiding = [...before, ...restored.attempts].some(({ purpose }) => purpose === 'VOID');
  if (restored.ended === null) {
    await markNonce(tx, reservation.id, voiding ? 'VOIDING' : 'SIGNED');
    return;
  }
  const { consumedBy, reverted } = restored.ended;
  await endNonce(tx, reservation.id, consumedBy);
  await endAttempts(tx, reservation.id, consumedBy && { txHash: consumedBy, status: reverted ? 'REVERTED' : 'CONFIRMED' }, consumedBy ? 'REPLACED' : 'DROPPED');
  await setWithdrawal(tx, requestId, { hasLivePayment: false, txHash: null });
}

/** The reservation of the nonce, made the request's own. What held it without bytes never used it. */
async function takeOver(tx: Transaction, { requestId, chainId }: RequestRepair, { walletAddress, nonce }: RestoredNonce): Promise<NonceReservationRow> {
  const ofNonce = and(eq(nonceReservations.chainId, chainId), eq(nonceReservations.walletAddress, walletAddress), eq(nonceReservations.nonce, nonce));
  const read = async (): Promise<NonceReservationRow | null> => (await tx.select().from(nonceReservations).where(ofNonce).for('update'))[0] ?? null;
  const held = await lockLiveReservation(tx, requestId);
  if (held && (held.nonce !== nonce || held.walletAddress !== walletAddress)) {
    if (held.state !== 'RESERVED') throw new Contradiction(`it holds nonce ${held.nonce} with bytes of its own`);
    await tx.update(nonceReservations).set({ state: 'FREED', liveRequestId: null, updatedAt: new Date() }).where(eq(nonceReservations.id, held.id));
  }
  const found = await read();
  const mine = { requestId, liveRequestId: requestId, state: 'SIGNED' as const, consumedBy: null, updatedAt: new Date() };
  if (!found) {
    await tx.insert(nonceReservations).values({ ...mine, chainId, walletAddress, nonce, generation: 1 });
  } else if (found.requestId !== requestId) {
    if ((await listAttempts(tx, found.id)).length > 0) throw new Contradiction(`nonce ${nonce} of ${walletAddress} carries bytes of ${found.requestId}`);
    await tx.update(nonceReservations).set({ ...mine, generation: found.generation + 1 }).where(eq(nonceReservations.id, found.id));
  } else if (found.liveRequestId === null && found.state !== 'CONSUMED') {
    await tx.update(nonceReservations).set({ ...mine, generation: found.generation + 1 }).where(eq(nonceReservations.id, found.id));
  }
  const reservation = await read();
  if (!reservation) throw new Error('a nonce was taken over but not recorded');
  return reservation;
}

/** Statuses that say already that bytes are out. */
const SENT: readonly WithdrawalStatus[] = ['BROADCASTED', 'CONFIRMING'];

async function restoreLive(tx: Transaction, repair: RequestRepair, live: RestoredNonce, status: WithdrawalStatus): Promise<void> {
  const { requestId, chainId, tokenAddress, amount } = repair;
  const reservation = await lockLiveReservation(tx, requestId);
  if (!reservation) return;
  const attempts = await listAttempts(tx, reservation.id);
  const gasLimit = attempts.reduce((most, attempt) => (attempt.gasLimit > most ? attempt.gasLimit : most), 0n);
  const gasWei = attempts.reduce((most, attempt) => (attempt.gasLimit * attempt.maxFeePerGas > most ? attempt.gasLimit * attempt.maxFeePerGas : most), 0n);
  const funds = await getFunds(tx, requestId);
  if (!funds) await holdFunds(tx, { requestId, chainId, walletAddress: live.walletAddress, tokenAddress, amount, gasLimit, gasWei });
  else if (funds.state === 'HELD' && funds.walletAddress === live.walletAddress) await raiseGas(tx, requestId, gasWei);
  else {
    await tx
      .update(fundReservations)
      .set({ state: 'HELD', walletAddress: live.walletAddress, gasLimit, gasWei, spentAmount: null, spentGasWei: null, settledBlock: null, settledAt: null })
      .where(eq(fundReservations.requestId, requestId));
  }
  const newestPaying = attempts.findLast(({ purpose }) => purpose === 'PAY');
  await setWithdrawal(tx, requestId, { walletAddress: live.walletAddress, hasLivePayment: newestPaying !== undefined, ...(newestPaying && { txHash: newestPaying.txHash }), errorCode: null, errorMessage: null });
  if (SENT.includes(status) || live.attempts.length === 0) return;
  // Not a step of the road but the place on it that the chain proves: the transition table does not apply.
  await tx.update(withdrawalRequests).set({ status: 'BROADCASTED', updatedAt: new Date() }).where(eq(withdrawalRequests.requestId, requestId));
  await appendEvent(tx, { requestId, type: 'recovered from the chain', status: 'BROADCASTED', detail: { nonce: live.nonce } });
}

async function endRequest(tx: Transaction, { requestId, spentGasWei }: RequestRepair, end: EndStatus): Promise<void> {
  const held = await lockLiveReservation(tx, requestId);
  if (held && held.state !== 'RESERVED') throw new Contradiction(`it ended as ${end}, but nonce ${held.nonce} carries bytes`);
  if (held) await tx.update(nonceReservations).set({ state: 'FREED', liveRequestId: null, updatedAt: new Date() }).where(eq(nonceReservations.id, held.id));
  await settleFunds(tx, requestId, { state: 'RELEASED', spentAmount: 0n, spentGasWei, settledBlock: null });
  const now = new Date();
  await tx
    .update(withdrawalRequests)
    .set({ status: end, hasLivePayment: false, errorCode: end === 'CANCELLED' ? 'CANCELLED_BY_REQUEST' : null, errorMessage: 'it had ended before the database was lost', updatedAt: now, completedAt: now })
    .where(eq(withdrawalRequests.requestId, requestId));
  await appendEvent(tx, { requestId, type: 'end recovered from Temporal', status: end });
}

/**
 * Ends nonces the chain has counted and no bytes of ours explain (`FOREIGN`), frees the holes below `next`, and raises the
 * wallet's counter to it; the counter is never lowered. Called twice: nothing changes.
 */
export async function restoreNonces(db: Database, repair: { chainId: number; walletAddress: Address; foreign: readonly number[]; next: number }): Promise<void> {
  const { chainId, walletAddress, foreign } = repair;
  await transact(db, async (tx) => {
    const wallet = await lockWallet(tx, chainId, walletAddress);
    const rows = await tx.select().from(nonceReservations).where(and(eq(nonceReservations.chainId, chainId), eq(nonceReservations.walletAddress, walletAddress)));
    const byNonce = new Map(rows.map((row) => [row.nonce, row]));
    const now = new Date();
    for (const nonce of foreign) {
      const row = byNonce.get(nonce);
      if (!row) {
        const [result] = await tx.insert(nonceReservations).values({ chainId, walletAddress, nonce, generation: 0, state: 'FOREIGN', updatedAt: now });
        byNonce.set(nonce, { id: result.insertId, chainId, walletAddress, nonce, requestId: null, liveRequestId: null, generation: 0, state: 'FOREIGN', consumedBy: null, updatedAt: now });
      } else if (row.state === 'RESERVED' || row.state === 'FREED') {
        await tx.update(nonceReservations).set({ state: 'FOREIGN', liveRequestId: null, updatedAt: now }).where(eq(nonceReservations.id, row.id));
      }
    }
    if (wallet.nextNonce === null) return;
    const next = Math.max(repair.next, wallet.nextNonce, ...rows.map(({ nonce }) => nonce + 1));
    const lowest = Math.min(wallet.nextNonce, ...byNonce.keys());
    for (let nonce = lowest; nonce < next; nonce += 1) {
      if (!byNonce.has(nonce)) await tx.insert(nonceReservations).values({ chainId, walletAddress, nonce, generation: 0, state: 'FREED', updatedAt: now });
    }
    await setNextNonce(tx, chainId, walletAddress, next);
  });
}

/** Nonces of a wallet that the chain has counted and that are not finally booked here, ascending. */
export async function listUnbooked(queryable: Queryable, wallet: WalletRow, counted: number): Promise<NonceReservationRow[]> {
  const states: NonceState[] = ['RESERVED', 'FREED', 'SIGNED', 'VOIDING'];
  return queryable
    .select()
    .from(nonceReservations)
    .where(and(eq(nonceReservations.chainId, wallet.chainId), eq(nonceReservations.walletAddress, wallet.address), inArray(nonceReservations.state, states), lt(nonceReservations.nonce, counted)))
    .orderBy(asc(nonceReservations.nonce));
}

/** Which nonces from `from` on have a row, whatever its state. */
export async function listKnownNonces(queryable: Queryable, wallet: WalletRow, from: number): Promise<Set<number>> {
  const rows = await queryable
    .select({ nonce: nonceReservations.nonce })
    .from(nonceReservations)
    .where(and(eq(nonceReservations.chainId, wallet.chainId), eq(nonceReservations.walletAddress, wallet.address), gte(nonceReservations.nonce, from)));
  return new Set(rows.map(({ nonce }) => nonce));
}

/** What the fast front must hold to agree with MySQL; null for a wallet that never gave out a nonce. */
export async function readNonceTruth(queryable: Queryable, wallet: WalletRow): Promise<NonceTruth | null> {
  if (wallet.nextNonce === null) return null;
  const rows = await queryable
    .select({ nonce: nonceReservations.nonce, state: nonceReservations.state, requestId: nonceReservations.liveRequestId })
    .from(nonceReservations)
    .where(and(eq(nonceReservations.chainId, wallet.chainId), eq(nonceReservations.walletAddress, wallet.address), inArray(nonceReservations.state, ['RESERVED', 'SIGNED', 'VOIDING', 'FREED'])))
    .orderBy(asc(nonceReservations.nonce));
  return {
    next: wallet.nextNonce,
    freed: rows.filter(({ state }) => state === 'FREED').map(({ nonce }) => nonce),
    held: rows.flatMap(({ requestId, nonce }) => (requestId === null ? [] : [{ requestId, nonce }])),
  };
}

/** Statuses of the requests among these ids that have a row. */
export async function statusesOf(queryable: Queryable, requestIds: readonly string[]): Promise<Map<string, WithdrawalStatus>> {
  if (requestIds.length === 0) return new Map();
  const rows = await queryable.select({ requestId: withdrawalRequests.requestId, status: withdrawalRequests.status }).from(withdrawalRequests).where(inArray(withdrawalRequests.requestId, [...requestIds]));
  return new Map(rows.map(({ requestId, status }) => [requestId, status]));
}

/** Every request that has not ended. */
export async function listOpenRequests(queryable: Queryable): Promise<string[]> {
  const rows = await queryable.select({ requestId: withdrawalRequests.requestId }).from(withdrawalRequests).where(notInArray(withdrawalRequests.status, [...END_STATUSES])).orderBy(asc(withdrawalRequests.requestId));
  return rows.map(({ requestId }) => requestId);
}

/** Nonce reservations a request ever had, in the order they were taken, with their attempts. */
export async function listSignedNonces(queryable: Queryable, requestId: string): Promise<{ reservation: NonceReservationRow; attempts: AttemptRow[] }[]> {
  const attempts = await queryable.select().from(signedTransactions).where(eq(signedTransactions.requestId, requestId)).orderBy(asc(signedTransactions.id));
  const ids = [...new Set(attempts.map(({ reservationId }) => reservationId))];
  if (ids.length === 0) return [];
  const reservations = await queryable.select().from(nonceReservations).where(inArray(nonceReservations.id, ids));
  return ids.flatMap((id) => {
    const reservation = reservations.find((row) => row.id === id);
    return reservation ? [{ reservation, attempts: attempts.filter(({ reservationId }) => reservationId === id) }] : [];
  });
}

/** What an idempotency key has made. */
export async function requestOfKey(queryable: Queryable, ownerId: number, keyHash: string): Promise<string | null> {
  const [key] = await queryable.select({ requestId: idempotencyKeys.requestId }).from(idempotencyKeys).where(and(eq(idempotencyKeys.ownerId, ownerId), eq(idempotencyKeys.keyHash, keyHash)));
  return key?.requestId ?? null;
}

/** The highest account id there is; 0 without any. */
export async function highestUserId(queryable: Queryable): Promise<number> {
  const [highest] = await queryable.select({ id: users.id }).from(users).orderBy(desc(users.id)).limit(1);
  return highest?.id ?? 0;
}

/** Keeps the ids of accounts that a restored backup does not have from being given to other people. InnoDB never lowers the counter below what is used. */
export async function reserveUserIds(db: Database, highest: number): Promise<void> {
  await db.execute(sql.raw(`ALTER TABLE users AUTO_INCREMENT = ${Math.trunc(highest) + 1}`));
}
