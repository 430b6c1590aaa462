import type { Address } from '../../domain/address.ts';
import { spendPerHour } from '../../domain/runway.ts';
import type { Settings } from '../../domain/settings.ts';
import type { Database } from '../../db/client.ts';
import type { Asset } from '../../db/repositories/assets.ts';
import { assetKeyOf, NATIVE, recordObservations, sumReserved, type SumsByAsset, type WalletObservation } from '../../db/repositories/wallets/wallet-observations.ts';
import type { WalletRow } from '../../db/repositories/wallets/wallets.ts';
import { transact } from '../../db/transact.ts';
import { hexQuantity, readCommonHead, readTransactionCount } from '../chain/blocks.ts';
import { readTokenBalance } from '../chain/erc20.ts';
import type { Rpc } from '../chain/rpc.ts';
import { windowsOf, type SpendHistory } from './spend-history.ts';

/** One asset of a wallet as it was just seen. Amounts are base units. */
export interface SeenAsset {
  /** null for the coin where no enabled asset is the coin */
  asset: Asset | null;
  observation: WalletObservation;
  /** balance less what is promised out of it; may be negative */
  available: bigint;
}

/**
 * Reads the coin and every enabled token of a wallet at one block, and what was spent lately, and writes it down. The chain
 * first: what is settled meanwhile is in the older balance still, and counted as promised. Throws `CHAIN_UNAVAILABLE`; nothing
 * is written then.
 */
export async function lookAtWallet(ports: { db: Database; rpc: Rpc; settings: Settings; history: SpendHistory; now: () => number }, wallet: WalletRow, assets: readonly Asset[]): Promise<SeenAsset[]> {
  const { db, rpc, settings, history, now } = ports;
  const { chainId } = wallet;
  const address = wallet.address as Address;
  const block = await readCommonHead(rpc);
  const balances = new Map([[NATIVE, BigInt(await rpc.agree<string>('eth_getBalance', [address, hexQuantity(block)], BigInt))]]);
  for (const { tokenAddress } of assets) if (tokenAddress !== null) balances.set(tokenAddress, await readTokenBalance(rpc, tokenAddress as Address, address, block));
  const latestNonce = await readTransactionCount(rpc, address, block);
  const pendingNonce = Number(await rpc.call<string>('eth_getTransactionCount', [address, 'pending']));

  const seenAt = new Date(now());
  const reserved = await sumReserved(db, chainId, address, block);
  const spent: { ms: number; sums: SumsByAsset }[] = [];
  for (const hours of settings.treasury.rateWindowsHours) spent.push(await history.look({ chainId, address }, hours, seenAt.getTime()));
  const seen = [...balances].map(([key, balance]): SeenAsset => {
    const perHour = spendPerHour(windowsOf(spent, key));
    const counts = key === NATIVE ? { latestNonce, pendingNonce } : { latestNonce: null, pendingNonce: null };
    return {
      asset: assets.find(({ tokenAddress }) => assetKeyOf(tokenAddress) === key) ?? null,
      observation: { chainId, walletAddress: wallet.address, asset: key, balance, spendPerHour: perHour, ...counts, blockNumber: block, seenAt },
      available: balance - (reserved.get(key) ?? 0n),
    };
  });
  await transact(db, (tx) => recordObservations(tx, seen.map(({ observation }) => observation)));
  return seen;
}
