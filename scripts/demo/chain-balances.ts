import { Contract, JsonRpcProvider } from 'ethers';

/** Balances read from the node alone, base units. */
export function chainBalances(rpcUrl: string): { of(tokenAddress: string | null, holder: string): Promise<bigint>; close(): void } {
  const provider = new JsonRpcProvider(rpcUrl, undefined, { cacheTimeout: -1 });
  return {
    async of(tokenAddress, holder) {
      if (tokenAddress === null) return provider.getBalance(holder);
      const token = new Contract(tokenAddress, ['function balanceOf(address) view returns (uint256)'], provider);
      return (await token.getFunction('balanceOf')(holder)) as bigint;
    },
    close: () => provider.destroy(),
  };
}
