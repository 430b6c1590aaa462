import { Contract, JsonRpcProvider, zeroPadValue } from 'ethers';
import { TRANSFER_TOPIC } from '../../domain/payment.ts';

/**
 * What a recipient really received, read from the chain alone: a token's Transfer logs, or for the native coin its
 * balance and the transactions that name it.
 */
export async function paidTo(chain: { url: string; chainId: number }, tokenAddress: string | null, recipient: string): Promise<{ total: bigint; payments: number }> {
  const provider = new JsonRpcProvider(chain.url, chain.chainId, { staticNetwork: true, cacheTimeout: -1 });
  try {
    if (tokenAddress !== null) {
      const logs = await provider.getLogs({ address: tokenAddress, topics: [TRANSFER_TOPIC, null, zeroPadValue(recipient, 32)], fromBlock: 0, toBlock: 'latest' });
      const token = new Contract(tokenAddress, ['function balanceOf(address) view returns (uint256)'], provider);
      const total = logs.reduce((sum, log) => sum + BigInt(log.data), 0n);
      const balance = (await token.getFunction('balanceOf')(recipient)) as bigint;
      if (balance !== total) throw new Error('the Transfer logs and the balance disagree');
      return { total, payments: logs.length };
    }
    let payments = 0;
    const head = await provider.getBlockNumber();
    for (let number = 0; number <= head; number += 1) {
      const block = await provider.getBlock(number, true);
      payments += block?.prefetchedTransactions.filter((transaction) => transaction.to === recipient && transaction.value > 0n).length ?? 0;
    }
    return { total: await provider.getBalance(recipient), payments };
  } finally {
    provider.destroy();
  }
}
