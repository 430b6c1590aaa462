import { and, eq } from 'drizzle-orm';
import type { Address } from '../../domain/address.ts';
import { EngineError } from '../../domain/errors.ts';
import type { Queryable, Transaction } from '../client.ts';
import { wallets } from '../schema/index.ts';

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

/** Records the first nonce never given out. The caller holds the wallet's row. */
export async function setNextNonce(tx: Transaction, chainId: number, address: string, nextNonce: number): Promise<void> {
  await tx.update(wallets).set({ nextNonce }).where(byAddress(chainId, address));
}
