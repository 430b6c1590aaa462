import { and, asc, eq, inArray, lt } from 'drizzle-orm';
import { movesValue } from '../domain/foreign.ts';
import type { Database } from '../db/client.ts';
import { listAttempts } from '../db/repositories/payments/attempts.ts';
import { listWallets, type WalletRow } from '../db/repositories/wallets/wallets.ts';
import { nonceReservations, treasuryMovements } from '../db/schema/index.ts';
import type { Address } from '../domain/address.ts';
import { readHeader, readTransactionCount } from './chain/blocks.ts';
import { paymentCall } from './chain/erc20.ts';
import { readReceipt } from './chain/receipts.ts';
import type { Rpc } from './chain/rpc.ts';
import { searchNonceConsumer } from './chain/search-nonce-consumer.ts';
import { readMinedTransaction, type ChainTransaction } from './chain/transactions.ts';

export interface ForgottenOutflow {
  walletAddress: Address;
  nonce: number;
  /** null when there are more nonces than are looked at one by one, or no node keeps what is needed to tell */
  txHash: string | null;
}

/** More unexplained nonces than this are not looked at one by one: they speak for themselves. */
const LOOKED_AT_MAX = 200;

/**
 * Holds the books against the chain: a transaction that used a nonce of a hot wallet, moved value out of it, and is not
 * in the books. That is a restored backup, or somebody else with the key; either way nothing may be signed.
 *
 * Looked at are the nonces the chain counts that were never given out here, given out and never signed, or signed with
 * none of our hashes mined. Transfers that a person declared beforehand are explained; a wallet that never gave out a
 * nonce is not judged, for an imported key has a past. Reads only.
 */
export async function findForgottenOutflow(ports: { db: Database; rpc: Rpc }): Promise<ForgottenOutflow | null> {
  for (const wallet of await listWallets(ports.db, ports.rpc.chainId)) {
    const found = await ofWallet(ports, wallet);
    if (found) return found;
  }
  return null;
}

async function ofWallet(ports: { db: Database; rpc: Rpc }, wallet: WalletRow): Promise<ForgottenOutflow | null> {
  const { rpc } = ports;
  if (wallet.nextNonce === null) return null;
  const head = await readHeader(rpc, 'latest');
  if (!head) return null;
  const counted = await readTransactionCount(rpc, wallet.address, head.number);
  const walletAddress = wallet.address as Address;
  if (counted - wallet.nextNonce > LOOKED_AT_MAX) return { walletAddress, nonce: wallet.nextNonce, txHash: null };
  for (const nonce of await listUnexplained(ports, wallet, wallet.nextNonce, counted)) {
    const consumer = await searchNonceConsumer(rpc, wallet.address, nonce, head.number);
    // No node can say who used it: that may well be a payment the database forgot.
    if (consumer === 'unknown') return { walletAddress, nonce, txHash: null };
    const transaction = consumer && (await readMinedTransaction(rpc, consumer.txHash));
    if (transaction && (await isOutflow(ports, transaction))) return { walletAddress, nonce, txHash: transaction.hash };
  }
  return null;
}

async function listUnexplained({ db, rpc }: { db: Database; rpc: Rpc }, wallet: WalletRow, nextNonce: number, counted: number): Promise<number[]> {
  const open = await db
    .select()
    .from(nonceReservations)
    .where(
      and(
        eq(nonceReservations.chainId, wallet.chainId),
        eq(nonceReservations.walletAddress, wallet.address),
        lt(nonceReservations.nonce, counted),
        inArray(nonceReservations.state, ['RESERVED', 'FREED', 'SIGNED', 'VOIDING']),
      ),
    )
    .orderBy(asc(nonceReservations.nonce));
  const unexplained: number[] = [];
  for (const reservation of open) {
    const signed = reservation.state === 'SIGNED' || reservation.state === 'VOIDING';
    if (signed && (await isMinedByUs(db, rpc, reservation.id))) continue;
    unexplained.push(reservation.nonce);
  }
  return [...unexplained, ...Array.from({ length: Math.max(0, counted - nextNonce) }, (_, index) => nextNonce + index)];
}

async function isMinedByUs(db: Database, rpc: Rpc, reservationId: number): Promise<boolean> {
  for (const { txHash } of await listAttempts(db, reservationId)) if (await readReceipt(rpc, txHash)) return true;
  return false;
}

/**
 * Whether a transaction moved value out of its sender that nobody declared. One that was reverted moved nothing; a
 * declared movement is recognised by being the very call that makes it.
 */
export async function isOutflow({ db, rpc }: { db: Database; rpc: Rpc }, transaction: ChainTransaction): Promise<boolean> {
  if (!movesValue(transaction, transaction.from)) return false;
  const receipt = await readReceipt(rpc, transaction.hash);
  if (receipt && !receipt.succeeded) return false;
  const movements = await db
    .select()
    .from(treasuryMovements)
    .where(and(eq(treasuryMovements.chainId, rpc.chainId), eq(treasuryMovements.walletAddress, transaction.from), eq(treasuryMovements.direction, 'OUT')));
  return !movements.some(({ tokenAddress, counterparty, amount }) => makesCall(transaction, { tokenAddress: tokenAddress as Address | null, toAddress: counterparty as Address, amount }));
}

/** True when the transaction is the very call that pays this. */
export function makesCall(transaction: ChainTransaction, payment: { tokenAddress: Address | null; toAddress: Address; amount: bigint }): boolean {
  const call = paymentCall(payment);
  return transaction.to?.toLowerCase() === call.to.toLowerCase() && transaction.value === call.value && transaction.input.toLowerCase() === call.data.toLowerCase();
}
