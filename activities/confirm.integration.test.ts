import { CancelledFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Contract } from 'ethers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { assets } from '../db/schema/index.ts';
import { parseAddress } from '../domain/address.ts';
import { chainClient, treasury } from '../scripts/sandbox/chain-client.ts';
import { randomHash, startBench, type Bench } from './activities.testkit.ts';
import { createBlockFollower, type BlockFollower, type WatchEvent, type WatchTarget } from './chain/block-follower.ts';
import { makeConfirm, type ConfirmVerdict } from './confirm.ts';
import type { FinalVerdict } from './settle.ts';

const WAIT = { timeout: 10_000, interval: 20 };
const STUCK_AFTER_BLOCKS = 12;

describe('confirming', () => {
  let bench: Bench;
  let confirm: ReturnType<typeof makeConfirm>;
  let watched: { target: WatchTarget; closed: boolean }[] = [];
  let head = 0;
  const stopping = new AbortController();
  let following: Promise<void>;
  beforeAll(async () => {
    bench = await startBench({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, blockTimeMs: 100, stuckAfterBlocks: STUCK_AFTER_BLOCKS } }) });
    const follower = createBlockFollower({
      rpc: bench.ports.rpc,
      settings: bench.ports.settings.chain,
      onHead: (header) => {
        head = header.number;
        return Promise.resolve();
      },
      onError: () => undefined,
    });
    following = follower.run(stopping.signal);
    const counting: BlockFollower = {
      run: follower.run,
      watch(target) {
        const entry = { target, closed: false };
        watched.push(entry);
        const watch = follower.watch(target);
        return {
          next: watch.next,
          close() {
            entry.closed = true;
            watch.close();
          },
        };
      },
    };
    confirm = makeConfirm({ ...bench.ports, follower: counting });
    await feeToken();
  });
  afterAll(async () => {
    stopping.abort();
    await following;
    await bench.engine.stop();
  });
  beforeEach(async () => {
    watched = [];
    await bench.mine();
  });
  afterEach(() => {
    expect(watched.filter(({ closed }) => !closed)).toEqual([]);
  });

  /** A token that keeps a part of each transfer, in the registry and in our wallet. */
  async function feeToken(): Promise<void> {
    const { ports } = bench;
    const { chain } = bench.engine;
    const tokenAddress = parseAddress(chain.tokens.TestFeeToken);
    await ports.db.insert(assets).values({ network: ports.settings.chain.network, currency: 'FEE', chainId: chain.chainId, tokenAddress, decimals: 6, minAmount: 1n, maxAmount: 10n ** 12n, enabled: true });
    const provider = chainClient(chain.url, chain.chainId);
    await new Contract(tokenAddress, ['function mint(address,uint256)'], treasury(provider)).getFunction('mint').send(bench.wallet, 10n ** 12n);
    provider.destroy();
    await bench.mine();
  }
  const run = (requestId: string, environment = new MockActivityEnvironment()): Promise<ConfirmVerdict> => environment.run(confirm, { requestId });
  async function sent(currency = 'USDC', amount = 1_000_000n): Promise<string> {
    const id = await bench.funded(currency, amount);
    await bench.sign({ requestId: id, mode: 'pay' });
    await bench.broadcast({ requestId: id });
    return id;
  }
  async function bump(requestId: string, mode: 'replace' | 'void'): Promise<void> {
    await bench.sign({ requestId, mode });
    await bench.broadcast({ requestId });
  }
  const seen = async () => {
    const latest = Number(await bench.engine.chain.rpc.call<string>('eth_blockNumber', []));
    await vi.waitFor(() => expect(head).toBeGreaterThanOrEqual(latest), WAIT);
  };
  const watching = (count = 1) => vi.waitFor(() => expect(watched).toHaveLength(count), WAIT);
  const status = async (requestId: string) => (await bench.engine.row(requestId)).status;
  /** Mined and final. */
  const settleChain = () => bench.mine(4);

  it.each([
    ['USDC', 1_500_000n],
    ['USDT', 2_500_000n],
    ['POL', 3n],
  ])('says paid for %s, once it is final, and CONFIRMING before', async (currency, amount) => {
    const id = await sent(currency, amount);
    const ruling = run(id);
    await watching();
    await bench.mine();
    await vi.waitFor(async () => expect(await status(id)).toBe('CONFIRMING'), WAIT);
    await settleChain();
    const [attempt] = await bench.attempts(id);
    const verdict = await ruling;
    expect(verdict).toMatchObject({ kind: 'paid', txHash: attempt?.txHash });
    if (verdict.kind !== 'paid') throw new Error('not paid');
    expect(verdict.logIndex).toBe(currency === 'POL' ? -1 : 0);
    expect(BigInt(verdict.costWei)).toBeGreaterThan(0n);
    // Asked again, also by another monitor: the same.
    expect(await Promise.all([run(id), run(id)])).toEqual([verdict, verdict]);
    await bench.settle({ requestId: id, verdict });
    expect(await run(id)).toEqual({ kind: 'settled' });
  });

  it('says mismatch, with what arrived, for a token that keeps a part', async () => {
    const id = await sent('FEE', 1_000_000n);
    const ruling = run(id);
    await settleChain();
    expect(await ruling).toMatchObject({ kind: 'mismatch', received: '990000' });
  });

  it('says unpaid when the transfer reverted', async () => {
    const id = await sent('USDC');
    const { rpc, tokens } = bench.engine.chain;
    const code = await rpc.call<string>('eth_getCode', [tokens.TestUSDC, 'latest']);
    await rpc.call('anvil_setCode', [tokens.TestUSDC, '0x60006000fd']);
    const ruling = run(id);
    await settleChain();
    expect(await ruling).toMatchObject({ kind: 'unpaid' });
    await rpc.call('anvil_setCode', [tokens.TestUSDC, code]);
  });

  it('names the foreign transaction that took the nonce, once that is final', async () => {
    const id = await bench.funded();
    const signed = await bench.sign({ requestId: id, mode: 'pay' });
    const ruling = run(id);
    await watching();
    const foreignTxHash = await bench.spendNonce();
    await settleChain();
    const verdict = await ruling;
    expect(verdict).toMatchObject({ kind: 'nonce-lost', nonce: signed.kind === 'signed' && signed.nonce, foreignTxHash });
    await bench.settle({ requestId: id, verdict: verdict as FinalVerdict });
    const again = await bench.sign({ requestId: id, mode: 'pay' });
    expect(again.kind === 'signed' && again.nonce).toBeGreaterThan((signed.kind === 'signed' && signed.nonce) || 0);
    await bench.broadcast({ requestId: id });
    const paying = run(id);
    await settleChain();
    expect(await paying).toMatchObject({ kind: 'paid' });
  });

  it('says paid with the older hash when our own older attempt wins', async () => {
    const id = await sent();
    // The newer one is signed but never reaches a node.
    await bench.sign({ requestId: id, mode: 'replace' });
    const [older, newer] = await bench.attempts(id);
    const ruling = run(id);
    await settleChain();
    const verdict = await ruling;
    expect(verdict).toMatchObject({ kind: 'paid', txHash: older?.txHash });
    expect(newer?.txHash).not.toBe(older?.txHash);
    await bench.settle({ requestId: id, verdict: verdict as FinalVerdict });
    expect(await bench.attempts(id)).toMatchObject([{ txHash: older?.txHash, status: 'CONFIRMED' }, { txHash: newer?.txHash, status: 'REPLACED' }]);
    expect(await bench.engine.row(id)).toMatchObject({ status: 'COMPLETED', paidTxHash: older?.txHash });
  });

  it('says voided when the voiding transaction wins', async () => {
    const id = await sent();
    await bench.park({ requestId: id, code: 'INTERNAL', class: 'unknown', reason: 'test' });
    await bump(id, 'void');
    const ruling = run(id);
    await settleChain();
    expect(await ruling).toMatchObject({ kind: 'voided', txHash: (await bench.attempts(id))[1]?.txHash });
    expect(await status(id)).toBe('DEAD_LETTERED');
  });

  it('asks for the bytes to be sent again when no node knows them any more', async () => {
    const id = await sent();
    const [attempt] = await bench.attempts(id);
    await bench.engine.chain.rpc.call('anvil_dropTransaction', [attempt?.txHash]);
    const ruling = run(id);
    await watching();
    await bench.mine(STUCK_AFTER_BLOCKS);
    expect(await ruling).toEqual({ kind: 'resend' });
    await bench.broadcast({ requestId: id });
    const again = run(id);
    await settleChain();
    expect(await again).toMatchObject({ kind: 'paid', txHash: attempt?.txHash });
  });

  it('calls only the lowest unmined nonce of a wallet stuck', async () => {
    // Blocks with room for neither: known to the node, and not mined.
    const [lowest, higher] = [await sent(), await sent()];
    const { rpc } = bench.engine.chain;
    const roomy = (await rpc.call<{ gasLimit: string }>('eth_getBlockByNumber', ['latest', false])).gasLimit;
    await rpc.call('evm_setBlockGasLimit', ['0x5208']);
    const cancelled = new MockActivityEnvironment();
    const rulings = [run(lowest), run(higher, cancelled)];
    await watching(2);
    await bench.mine(STUCK_AFTER_BLOCKS);
    expect(await rulings[0]).toEqual({ kind: 'stuck' });
    await seen();
    cancelled.cancel();
    await expect(rulings[1]).rejects.toThrow(CancelledFailure);
    await rpc.call('evm_setBlockGasLimit', [roomy]);
    await bump(lowest, 'replace');
    const paid = [run(lowest), run(higher)];
    await settleChain();
    expect(await Promise.all(paid)).toMatchObject([{ kind: 'paid', txHash: (await bench.attempts(lowest))[1]?.txHash }, { kind: 'paid' }]);
  });

  it.each([
    ['a payment', 'BROADCASTED'],
    ['a voiding transaction', 'DEAD_LETTERED'],
  ])('takes back what it said of %s that a reorg threw out', async (what, expected) => {
    const id = await sent();
    if (what !== 'a payment') {
      await bench.park({ requestId: id, code: 'INTERNAL', class: 'unknown', reason: 'test' });
      await bump(id, 'void');
    }
    const mined = (await bench.attempts(id)).at(-1);
    const ruling = run(id);
    await watching();
    await bench.mine();
    const view = () => bench.ports.db.query.transactions.findFirst({ where: (table, { eq }) => eq(table.txHash, mined?.txHash as `0x${string}`) });
    await vi.waitFor(async () => expect(await view()).toMatchObject({ status: 'SUCCEEDED' }), WAIT);
    await bench.engine.chain.rpc.call('anvil_reorg', [1, []]);
    expect(await ruling).toEqual({ kind: 'resend' });
    expect(await view()).toMatchObject({ status: 'PENDING', blockNumber: null, blockHash: null });
    expect(await status(id)).toBe(expected);
    await bench.broadcast({ requestId: id });
    const again = run(id);
    await settleChain();
    expect(await again).toMatchObject({ kind: what === 'a payment' ? 'paid' : 'voided', txHash: mined?.txHash });
  });

  it('writes nothing over a settled nonce: a monitor that was given up may look at another fork', async () => {
    const id = await sent();
    const told: WatchEvent[] = [];
    const [wake, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    /** Asked when the payment is still open, answered when it is settled. */
    const late = makeConfirm({
      ...bench.ports,
      follower: {
        run: () => Promise.resolve(),
        watch: () => ({
          async next() {
            asked.resolve();
            await wake.promise;
            return told.shift() as WatchEvent;
          },
          close: () => undefined,
        }),
      },
    });
    const zombie = new MockActivityEnvironment().run(late, { requestId: id });
    await asked.promise;
    const ruling = run(id);
    await settleChain();
    await bench.settle({ requestId: id, verdict: (await ruling) as FinalVerdict });
    const [attempt] = await bench.attempts(id);
    const view = () => bench.ports.db.query.transactions.findFirst({ where: (table, { eq }) => eq(table.txHash, attempt?.txHash as `0x${string}`) });
    const settled = [await view(), await bench.engine.row(id), await bench.timeline(id)];
    const elsewhere = { txHash: attempt?.txHash as `0x${string}`, blockNumber: 1, blockHash: randomHash(), succeeded: true, gasUsed: 1n, effectiveGasPrice: 1n, logs: [] };
    told.push({ kind: 'mined', receipt: elsewhere }, { kind: 'reorged', txHash: elsewhere.txHash });
    wake.resolve();
    expect(await zombie).toEqual({ kind: 'resend' });
    expect([await view(), await bench.engine.row(id), await bench.timeline(id)]).toEqual(settled);
  });

  it('ends when it is cancelled, and watches nothing any more', async () => {
    const id = await sent();
    const environment = new MockActivityEnvironment();
    const ruling = run(id, environment);
    await watching();
    environment.cancel();
    await expect(ruling).rejects.toThrow(CancelledFailure);
    expect(watched).toMatchObject([{ closed: true }]);
    const again = run(id);
    await settleChain();
    expect(await again).toMatchObject({ kind: 'paid' });
  });

  it('has nothing to watch where nothing was signed', async () => {
    expect(await run(await bench.funded())).toEqual({ kind: 'settled' });
    expect(watched).toEqual([]);
  });
});
