import { and, eq, inArray, like, sql } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import { fillerIdOf } from '../../../domain/guardian.ts';
import type { NonceState } from '../../../domain/status.ts';
import type { Database, Queryable, Transaction } from '../../client.ts';
import { alerts, nonceReservations, signedTransactions } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { raiseAlert } from '../operations/alerts.ts';
import type { NonceReservationRow } from './nonces.ts';
import { lockWallet, setNextNonce } from '../wallets/wallets.ts';

const ofNonce = (chainId: number, walletAddress: Address, nonce: number) => and(eq(nonceReservations.chainId, chainId), eq(nonceReservations.walletAddress, walletAddress), eq(nonceReservations.nonce, nonce));

/** Live reservations of a wallet that belong to no withdrawal. */
export async function listFillers(queryable: Queryable, chainId: number, walletAddress: Address): Promise<NonceReservationRow[]> {
  return queryable
    .select()
    .from(nonceReservations)
    .where(and(eq(nonceReservations.chainId, chainId), eq(nonceReservations.walletAddress, walletAddress), eq(nonceReservations.state, 'VOIDING'), like(nonceReservations.liveRequestId, 'fill-%')));
}

/**
 * Takes a nonce nobody holds for a filler, holding the wallet's row: a withdrawal that wants the same freed nonce, and a
 * second guardian, come before or after, never between. From here on only bytes that pay nobody are signed on it.
 *
 * Called twice: the second call finds it taken. Dies in the middle: nothing was taken. Null when the nonce is no gap any
 * more, was never given out, or the wallet is halted.
 */
export async function takeForFiller(db: Database, gap: { chainId: number; walletAddress: Address; nonce: number }): Promise<string | null> {
  const { chainId, walletAddress, nonce } = gap;
  const holder = fillerIdOf(chainId, walletAddress, nonce);
  return transact(db, async (tx) => {
    const wallet = await lockWallet(tx, chainId, walletAddress);
    if (wallet.status === 'HALTED' || wallet.nextNonce === null || nonce >= wallet.nextNonce) return null;
    const [row] = await tx.select().from(nonceReservations).where(ofNonce(chainId, walletAddress, nonce)).for('update');
    const taken = { state: 'VOIDING' as const, requestId: holder, liveRequestId: holder, consumedBy: null, updatedAt: new Date() };
    if (!row) await tx.insert(nonceReservations).values({ chainId, walletAddress, nonce, generation: 1, ...taken });
    else if (await isFree(tx, row)) await tx.update(nonceReservations).set({ ...taken, generation: row.generation + 1 }).where(eq(nonceReservations.id, row.id));
    else return null;
    await raiseAlert(tx, { kind: 'NONCE_GAP', chainId, subject: walletAddress, detail: { [`nonce ${nonce}`]: 'to be filled' } });
    return holder;
  });
}

async function isFree(tx: Transaction, row: NonceReservationRow): Promise<boolean> {
  if (row.state === 'FREED') return true;
  return row.state === 'FOREIGN' && (await tx.$count(signedTransactions, eq(signedTransactions.reservationId, row.id))) === 0;
}

/** Adds what became of a filled nonce to the wallet's open alert, so that its gas shows where the gap does. Without an open alert: nothing. */
export async function noteFilled(tx: Transaction, walletAddress: Address, note: { nonce: number; outcome: string }): Promise<void> {
  const [open] = await tx
    .select()
    .from(alerts)
    .where(eq(alerts.openKey, `NONCE_GAP:${walletAddress}`))
    .for('update');
  if (open) await tx.update(alerts).set({ detail: { ...open.detail, [`nonce ${note.nonce}`]: note.outcome } }).where(eq(alerts.id, open.id));
}

const WITHOUT_BYTES: NonceState[] = ['RESERVED', 'FREED', 'FOREIGN'];

/**
 * Writes strangers' transactions into the books, ascending, holding the wallet's row: nonces held without bytes are given
 * up, nonces never given out are passed over. Called twice: the same values again. A nonce that carries bytes of a
 * withdrawal is left to that withdrawal.
 */
export async function bookStrangers(tx: Transaction, wallet: { chainId: number; walletAddress: Address }, strangers: readonly { nonce: number; txHash: `0x${string}` }[]): Promise<void> {
  const { chainId, walletAddress } = wallet;
  const { nextNonce } = await lockWallet(tx, chainId, walletAddress);
  let next = nextNonce ?? 0;
  for (const { nonce, txHash } of strangers) {
    const booked = { state: 'FOREIGN' as const, liveRequestId: null, consumedBy: txHash, updatedAt: new Date() };
    if (nonce === next) {
      await tx.insert(nonceReservations).values({ chainId, walletAddress, nonce, generation: 0, ...booked }).onDuplicateKeyUpdate({ set: { nonce: sql`${nonceReservations.nonce}` } });
      next += 1;
    }
    await tx.update(nonceReservations).set(booked).where(and(ofNonce(chainId, walletAddress, nonce), inArray(nonceReservations.state, WITHOUT_BYTES)));
  }
  if (nextNonce !== null && next > nextNonce) await setNextNonce(tx, chainId, walletAddress, next);
}
