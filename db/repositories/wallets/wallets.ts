import { and, eq, inArray } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import type { AlertKind } from '../../../domain/alerts.ts';
import { EngineError } from '../../../domain/errors.ts';
import type { WalletStatus } from '../../../domain/status.ts';
import type { Queryable, Transaction } from '../../client.ts';
import { wallets } from '../../schema/index.ts';

export type WalletRow = typeof wallets.$inferSelect;

/** All hot wallets of a chain, whatever their status. */
export async function listWallets(queryable: Queryable, chainId: number): Promise<WalletRow[]> {
  return queryable.select().from(wallets).where(eq(wallets.chainId, chainId));
}

const byAddress = (chainId: number, address: string) => and(eq(wallets.chainId, chainId), eq(wallets.address, address as Address));

/** One wallet, or `WALLET_UNAVAILABLE`. */
export async function getWallet(queryable: Queryable, chainId: number, address: string): Promise<WalletRow> {
  const [row] = await queryable.select().from(wallets).where(byAddress(chainId, address));
  if (!row) throw new EngineError('WALLET_UNAVAILABLE', { wallet: address, reason: 'unknown' });
  return row;
}

/** The wallet with its row held until the transaction ends: funds and nonces are given out one at a time. */
export async function lockWallet(tx: Transaction, chainId: number, address: string): Promise<WalletRow> {
  const [row] = await tx.select().from(wallets).where(byAddress(chainId, address)).for('update');
  if (!row) throw new EngineError('WALLET_UNAVAILABLE', { wallet: address, reason: 'unknown' });
  return row;
}

/** Adds a hot wallet. Called twice with the same address: only the key id follows the second call, status and nonces stay. */
export async function addWallet(queryable: Queryable, wallet: { chainId: number; address: Address; keyId: string }): Promise<void> {
  await queryable
    .insert(wallets)
    .values({ ...wallet, status: 'ACTIVE', createdAt: new Date() })
    .onDuplicateKeyUpdate({ set: { keyId: wallet.keyId } });
}

/** Why the engine itself stopped a wallet: a pause of its own it also lifts; a halt only a person does. */
export const ENGINE_PAUSE = 'engine: ';

/**
 * Stops a wallet by the engine's own judgement. A pause never weakens a halt or a person's pause; called twice, the
 * first reason stands.
 * @returns true when the wallet was stopped, or halted, by this call
 */
export async function stopWallet(queryable: Queryable, chainId: number, address: string, stop: { status: 'PAUSED' | 'HALTED'; reason: AlertKind }): Promise<boolean> {
  const from: WalletStatus[] = stop.status === 'PAUSED' ? ['ACTIVE'] : ['ACTIVE', 'PAUSED', 'DRAINING'];
  const [result] = await queryable
    .update(wallets)
    .set({ status: stop.status, statusReason: `${ENGINE_PAUSE}${stop.reason}` })
    .where(and(byAddress(chainId, address), inArray(wallets.status, from)));
  return result.affectedRows === 1;
}

/**
 * Lifts a pause the engine set for this very reason; a halt, another reason and a person's pause stay.
 * @returns true when the wallet was paused for it
 */
export async function liftPause(queryable: Queryable, chainId: number, address: string, reason: AlertKind): Promise<boolean> {
  const [result] = await queryable
    .update(wallets)
    .set({ status: 'ACTIVE', statusReason: null })
    .where(and(byAddress(chainId, address), eq(wallets.status, 'PAUSED'), eq(wallets.statusReason, `${ENGINE_PAUSE}${reason}`)));
  return result.affectedRows === 1;
}

/** A person's word on a wallet, whatever it was. */
export async function setWalletStatus(queryable: Queryable, chainId: number, address: string, status: WalletStatus, reason: string | null): Promise<void> {
  await queryable.update(wallets).set({ status, statusReason: reason?.slice(0, 255) ?? null }).where(byAddress(chainId, address));
}

/** Records the first nonce never given out. The caller holds the wallet's row. */
export async function setNextNonce(tx: Transaction, chainId: number, address: string, nextNonce: number): Promise<void> {
  await tx.update(wallets).set({ nextNonce }).where(byAddress(chainId, address));
}
