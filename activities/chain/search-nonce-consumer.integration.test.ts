import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startManualChain, type ManualChain } from './manual-chain.testkit.ts';
import { RpcAnswerError, type Rpc } from './rpc.ts';
import { searchNonceConsumer } from './search-nonce-consumer.ts';

describe('searching who consumed a nonce', () => {
  let chain: ManualChain;
  beforeAll(async () => {
    chain = await startManualChain();
    await chain.mine(5);
  });
  afterAll(() => chain.stop());

  /** A node that keeps the blocks and not their states; the transaction count at the head it has. */
  async function pruned(error: string): Promise<Rpc> {
    const head = await chain.head();
    const agree = <T>(method: string, params: readonly unknown[], pick?: (result: T) => unknown): Promise<T> =>
      method === 'eth_getTransactionCount' && Number(params[1]) < head ? Promise.reject(new RpcAnswerError(method, { code: -32_000, message: error })) : chain.rpc.agree(method, params, pick);
    return { ...chain.rpc, agree };
  }

  it('reads the blocks where no node keeps their states', async () => {
    const transactions = [0, 1, 2].map((nonce) => chain.signTransfer(1, nonce));
    const minedIn: number[] = [];
    for (const { raw } of transactions) {
      await chain.rpc.call('eth_sendRawTransaction', [raw]);
      await chain.mine(10);
      minedIn.push((await chain.head()) - 9);
    }
    const head = await chain.head();
    const rpc = await pruned('BlockOutOfRangeError: block height is 36 but requested was 35');
    for (const [nonce, { from, txHash }] of transactions.entries()) expect(await searchNonceConsumer(rpc, from, nonce, head)).toEqual({ txHash, blockNumber: minedIn[nonce] });
    expect(await searchNonceConsumer(rpc, transactions[0]?.from ?? '', 3, head)).toBeNull();
  });

  it('says so when it lies further back than is read', async () => {
    const { from, raw, txHash } = chain.signTransfer(2, 0);
    await chain.rpc.call('eth_sendRawTransaction', [raw]);
    await chain.mine(1_999);
    expect(await searchNonceConsumer(await pruned('missing trie node 0a1b'), from, 0, await chain.head())).toMatchObject({ txHash });
    await chain.mine(2);
    expect(await searchNonceConsumer(await pruned('missing trie node 0a1b'), from, 0, await chain.head())).toBe('unknown');
  });

  it('says so when the block it may lie in is not shown', async () => {
    const earlier = chain.signTransfer(3, 0);
    const { from, raw } = chain.signTransfer(3, 1);
    await chain.rpc.call('eth_sendRawTransaction', [earlier.raw]);
    await chain.mine();
    await chain.rpc.call('eth_sendRawTransaction', [raw]);
    await chain.mine();
    const hidden = await chain.head();
    await chain.mine(3);
    const rpc = await pruned('missing trie node 0a1b');
    const agree = <T>(method: string, params: readonly unknown[], pick?: (result: T) => unknown): Promise<T> =>
      method === 'eth_getBlockByNumber' && Number(params[0]) === hidden ? Promise.resolve(null as T) : rpc.agree(method, params, pick);
    expect(await searchNonceConsumer({ ...rpc, agree }, from, 1, await chain.head())).toBe('unknown');
  });

  it('takes no other refusal for a missing state', async () => {
    const { from } = chain.signTransfer(1, 0);
    await expect(searchNonceConsumer(await pruned('method not allowed'), from, 0, await chain.head())).rejects.toBeInstanceOf(RpcAnswerError);
  });
});
