import { Contract, Wallet } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withdrawalRequests } from '../db/schema/index.ts';
import { eq } from 'drizzle-orm';
import { TRANSFER_TOPIC } from '../domain/payment.ts';
import { chainClient, treasury } from '../scripts/sandbox/chain-client.ts';
import { interrupted, randomHash, startBench, type Bench } from './activities.testkit.ts';
import { makeMarkPaid } from './mark-paid.ts';

const AMOUNT = 1_000_000n;
const word = (hex: string) => `0x${hex.replace(/^0x/, '').padStart(64, '0')}`;

describe('a payment by hand, through two endpoints', () => {
  let bench: Bench;
  let markPaid: ReturnType<typeof makeMarkPaid>;
  beforeAll(async () => {
    bench = await startBench({ endpoints: 2 });
    markPaid = makeMarkPaid(bench.ports);
  });
  afterAll(() => bench.engine.stop());
  beforeEach(() => {
    for (const proxy of bench.engine.proxies) proxy.inject({ kind: 'pass' });
  });

  async function parked(): Promise<string> {
    const id = await bench.funded('USDC', AMOUNT);
    await bench.park({ requestId: id, code: 'PAID_BY_HAND', class: 'unknown', reason: 'test' });
    return id;
  }
  /** Paid by a stranger's wallet, and final. */
  async function payByHand(recipient: string, amount = AMOUNT): Promise<`0x${string}`> {
    const provider = chainClient(bench.engine.chain.url, bench.engine.chain.chainId);
    try {
      const token = new Contract(bench.engine.chain.tokens.TestUSDC, ['function transfer(address to, uint256 amount)'], treasury(provider));
      const { hash } = (await token.getFunction('transfer').send(recipient, amount, { gasLimit: 200_000n })) as { hash: `0x${string}` };
      await bench.mine(5);
      return hash;
    } finally {
      provider.destroy();
    }
  }

  it('that both show is believed, once', async () => {
    const id = await parked();
    const txHash = await payByHand((await bench.engine.row(id)).toAddress);
    expect([await markPaid({ requestId: id, txHash }), await markPaid({ requestId: id, txHash })]).toEqual([{ kind: 'paid' }, { kind: 'paid' }]);
    expect(await bench.engine.row(id)).toMatchObject({ status: 'COMPLETED', paidTxHash: txHash });
    expect(await bench.funds(id)).toMatchObject({ state: 'RELEASED', spentAmount: 0n });
    // One transfer serves one withdrawal.
    const other = await parked();
    await bench.ports.db.update(withdrawalRequests).set({ toAddress: (await bench.engine.row(id)).toAddress }).where(eq(withdrawalRequests.requestId, other));
    expect(await markPaid({ requestId: other, txHash })).toEqual({ kind: 'refused', reason: 'used' });
    expect(await bench.engine.row(other)).toMatchObject({ status: 'DEAD_LETTERED', errorCode: 'PARKED' });
  });

  it('that one of them invents is not believed', async () => {
    const id = await parked();
    const { toAddress, tokenAddress } = await bench.engine.row(id);
    await bench.mine();
    const block = await bench.engine.chain.rpc.call<{ number: string; hash: string }>('eth_getBlockByNumber', ['latest', false]);
    await bench.mine(5);
    const txHash = randomHash();
    const from = Wallet.createRandom().address;
    const log = { address: tokenAddress, topics: [TRANSFER_TOPIC, word(from), word(toAddress)], data: word(AMOUNT.toString(16)), logIndex: '0x0' };
    const receipt = { transactionHash: txHash, blockNumber: block.number, blockHash: block.hash, status: '0x1', gasUsed: '0x5208', effectiveGasPrice: '0x1', logs: [log] };
    const transaction = { hash: txHash, from, to: tokenAddress, nonce: '0x0', value: '0x0', input: '0x', gas: '0x5208', gasPrice: '0x1', blockNumber: block.number, type: '0x2', r: '0x1', s: '0x1', v: '0x0' };
    const [liar] = bench.engine.proxies;
    liar?.add({ kind: 'rewrite', change: () => receipt }, ['eth_getTransactionReceipt']);
    liar?.add({ kind: 'rewrite', change: () => transaction }, ['eth_getTransactionByHash']);
    await expect(markPaid({ requestId: id, txHash })).rejects.toMatchObject({ type: 'CHAIN_UNAVAILABLE', nonRetryable: false });
    expect(await bench.engine.row(id)).toMatchObject({ status: 'DEAD_LETTERED', errorCode: 'PAID_BY_HAND', paidTxHash: null });
    liar?.inject({ kind: 'pass' });
    expect(await markPaid({ requestId: id, txHash })).toEqual({ kind: 'refused', reason: 'not-final' });
  });

  it('is reckoned anew where our own payment arrived meanwhile', async () => {
    const id = await parked();
    const txHash = await payByHand((await bench.engine.row(id)).toAddress);
    const arrives = () => bench.ports.db.update(withdrawalRequests).set({ paidTxHash: randomHash() }).where(eq(withdrawalRequests.requestId, id));
    const rpc = { ...bench.ports.rpc, ...pick(interrupted(bench.ports.rpc, 'eth_getTransactionByHash', arrives)) };
    expect(await makeMarkPaid({ ...bench.ports, rpc })({ requestId: id, txHash })).toEqual({ kind: 'refused', reason: 'payment-open' });
    expect((await bench.engine.row(id)).status).toBe('DEAD_LETTERED');
  });
});

/** Only how it reads: `call` and what is made of it. */
const pick = ({ call, agree }: ReturnType<typeof interrupted>) => ({ call, agree });
