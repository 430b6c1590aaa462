import { Contract, parseEther, parseUnits, type TransactionResponse } from 'ethers';
import { readChainFile, writeChainFile, type TokenAddresses } from './chain-file.ts';
import { chainClient, treasury } from './chain-client.ts';

const RECEIPT_TIMEOUT_MS = 60_000;
const NATIVE_WEI = parseEther('100000');
const TOKEN_UNITS = parseUnits('10000000', 6);
const TOKEN_ABI = ['function balanceOf(address) view returns (uint256)', 'function transfer(address to, uint256 amount)'];

/**
 * Gives each wallet its starting funds: 100,000 POL and 10,000,000 units of USDC and USDT. Once for each wallet: what it
 * spends later is not filled up. Killed in the middle, the next run adds only what is missing.
 */
export async function fundWallets(rpcUrl: string, chainId: number, chainFile: string, tokens: TokenAddresses, wallets: readonly string[]): Promise<void> {
  const known = readChainFile(chainFile);
  const due = wallets.filter((wallet) => known?.funded.includes(wallet) !== true);
  if (due.length === 0) return;
  const provider = chainClient(rpcUrl, chainId);
  try {
    const payer = treasury(provider);
    let nonce = await provider.getTransactionCount(payer.address, 'latest');
    const sent: TransactionResponse[] = [];
    for (const wallet of due) {
      const native = NATIVE_WEI - (await provider.getBalance(wallet));
      if (native > 0n) sent.push(await payer.sendTransaction({ to: wallet, value: native, nonce: nonce++ }));
      for (const address of [tokens.TestUSDC, tokens.TestUSDT]) {
        const token = new Contract(address, TOKEN_ABI, payer);
        const lacking = TOKEN_UNITS - BigInt(await token.getFunction('balanceOf').staticCall(wallet));
        if (lacking > 0n) sent.push(await token.getFunction('transfer').send(wallet, lacking, { nonce: nonce++ }));
      }
    }
    for (const transaction of sent) {
      const receipt = await transaction.wait(1, RECEIPT_TIMEOUT_MS);
      if (receipt?.status !== 1) throw new Error(`the funding ${transaction.hash} of a hot wallet was not mined`);
    }
  } finally {
    provider.destroy();
  }
  writeChainFile(chainFile, { chainId, tokens, funded: [...(known?.funded ?? []), ...due] });
}
