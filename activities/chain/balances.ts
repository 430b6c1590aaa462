import type { Redis } from 'ioredis';
import type { Address } from '../../domain/address.ts';
import type { WalletBalances } from '../../domain/funds.ts';
import type { ChainSettings } from '../../domain/settings.ts';
import { remember } from '../cache.ts';
import { hexQuantity, readCommonHead } from './blocks.ts';
import { readTokenBalance } from './erc20.ts';
import type { Rpc } from './rpc.ts';

export interface BalancesAtBlock extends WalletBalances {
  block: number;
}

/**
 * Native and token balance of a wallet at one and the same block, base units, remembered for one block at most. The block
 * number comes with it: a payment settled later than that block is not in these numbers. Two endpoints must agree on them,
 * where two are there; throws `CHAIN_UNAVAILABLE` while they do not.
 */
export async function readBalances(ports: { rpc: Rpc; redis: Redis; settings: ChainSettings }, wallet: Address, token: Address | null): Promise<BalancesAtBlock> {
  const { rpc, redis, settings } = ports;
  const text = await remember(redis, `balance:${rpc.chainId}:${wallet}:${token ?? 'native'}`, settings.blockTimeMs, async () => {
    const now = await readBalancesNow(rpc, wallet, token);
    return `${now.block} ${now.nativeWei} ${now.token}`;
  });
  const [block = '', nativeWei = '', balance = ''] = text.split(' ');
  return { block: Number(block), nativeWei: BigInt(nativeWei), token: BigInt(balance) };
}

/** The same, of the newest block, whatever is remembered. */
export async function readBalancesNow(rpc: Rpc, wallet: Address, token: Address | null): Promise<BalancesAtBlock> {
  const block = await readCommonHead(rpc);
  const nativeWei = BigInt(await rpc.agree<string>('eth_getBalance', [wallet, hexQuantity(block)], BigInt));
  return { block, nativeWei, token: token === null ? nativeWei : await readTokenBalance(rpc, token, wallet, block) };
}
