import { and, eq } from 'drizzle-orm';
import type { Address } from '../../../domain/address.ts';
import type { Database } from '../../client.ts';
import { wallets } from '../../schema/index.ts';
import { transact } from '../../transact.ts';
import { addWallet, getWallet, lockWallet, type WalletRow } from './wallets.ts';

/**
 * Adds the wallet that takes another one's place, in one transaction that holds the old one's row. Called again, or at once by two:
 * the first successor stands, and the one offered here is not added.
 * @returns the successor
 */
export async function nameSuccessor(db: Database, chainId: number, address: string, successor: { address: Address; keyId: string }): Promise<WalletRow> {
  return transact(db, async (tx) => {
    const { successorAddress } = await lockWallet(tx, chainId, address);
    if (successorAddress !== null) return getWallet(tx, chainId, successorAddress);
    await addWallet(tx, { chainId, ...successor });
    await tx.update(wallets).set({ successorAddress: successor.address }).where(and(eq(wallets.chainId, chainId), eq(wallets.address, address as Address)));
    return getWallet(tx, chainId, successor.address);
  });
}
