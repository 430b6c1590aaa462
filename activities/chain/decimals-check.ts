import type { Address } from '../../domain/address.ts';
import { EngineError } from '../../domain/errors.ts';
import { readTokenDecimals } from './erc20.ts';
import type { Rpc } from './rpc.ts';

/**
 * Holds the registry's decimals against the token contract's own, once a process and token: a wrong registry would turn
 * every amount into another. Throws `UNSUPPORTED_CURRENCY` when they differ; an unreachable chain is asked again.
 */
export function createDecimalsCheck(rpc: Rpc): (asset: { currency: string; tokenAddress: Address | null; decimals: number }) => Promise<void> {
  const agreed = new Set<string>();
  return async ({ currency, tokenAddress, decimals }) => {
    if (tokenAddress === null) return;
    const key = `${tokenAddress} ${decimals}`;
    if (agreed.has(key)) return;
    const claimed = await readTokenDecimals(rpc, tokenAddress);
    if (claimed !== decimals) throw new EngineError('UNSUPPORTED_CURRENCY', { currency, reason: `registered with ${decimals} decimals, the token says ${claimed}` });
    agreed.add(key);
  };
}
