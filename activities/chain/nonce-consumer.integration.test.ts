import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startManualChain, type ManualChain } from './manual-chain.testkit.ts';
import { findNonceConsumer } from './nonce-consumer.ts';

describe('finding who consumed a nonce', () => {
  let chain: ManualChain;
  beforeAll(async () => {
    chain = await startManualChain();
    await chain.mine(5);
  });
  afterAll(() => chain.stop());

  it.each([
    [1, 1],
    [2, 10],
    [3, 300],
  ])('names the very transaction, account %i, when it lies %i blocks back', async (account, blocks) => {
    const transactions = [0, 1, 2].map((nonce) => chain.signTransfer(account, nonce));
    for (const { raw } of transactions) await chain.rpc.call('eth_sendRawTransaction', [raw]);
    await chain.mine();
    const minedIn = await chain.head();
    await chain.mine(blocks - 1 || 1);
    const head = await chain.head();
    for (const [nonce, { from, txHash }] of transactions.entries()) {
      expect(await findNonceConsumer(chain.rpc, from, nonce, head)).toEqual({ txHash, blockNumber: minedIn });
      expect(await findNonceConsumer(chain.rpc, from.toLowerCase(), nonce, minedIn)).toEqual({ txHash, blockNumber: minedIn });
      // Final one block earlier: not consumed there yet.
      expect(await findNonceConsumer(chain.rpc, from, nonce, minedIn - 1)).toBeNull();
    }
    expect(await findNonceConsumer(chain.rpc, transactions[0]?.from ?? '', 3, head)).toBeNull();
  });

  it('is null while the transaction only waits', async () => {
    const { from, raw } = chain.signTransfer(4, 0);
    await chain.rpc.call('eth_sendRawTransaction', [raw]);
    expect(await findNonceConsumer(chain.rpc, from, 0, await chain.head())).toBeNull();
  });
});
