import { JsonRpcProvider } from 'ethers';
import { expect } from 'vitest';
import type { TestEngine } from './engine.ts';

/** Sends a transaction of the engine's hot wallet past the engine, as somebody holding the same key would. */
export async function sendFromHotWallet(engine: TestEngine, options: { nonce: number; walletIndex?: number; to?: string; valueWei?: bigint }): Promise<{ txHash: string; mined(): Promise<void> }> {
  const provider = new JsonRpcProvider(engine.chain.url, engine.chain.chainId, { staticNetwork: true, cacheTimeout: -1 });
  const from = engine.wallets[options.walletIndex ?? 0];
  await provider.send('anvil_impersonateAccount', [from]);
  const txHash = (await provider.send('eth_sendTransaction', [{ from, to: options.to ?? from, value: `0x${(options.valueWei ?? 0n).toString(16)}`, nonce: `0x${options.nonce.toString(16)}`, gas: '0x5208', maxFeePerGas: '0x2540be40000', maxPriorityFeePerGas: '0xba43b7400' }])) as string;
  return {
    txHash,
    async mined() {
      await expect.poll(async () => (await provider.getTransactionReceipt(txHash))?.status, { timeout: 20_000 }).toBe(1);
      provider.destroy();
    },
  };
}
