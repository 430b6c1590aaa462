import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseSettings, type ChainSettings } from '../../domain/settings.ts';
import { startRpcProxy, type RpcProxy } from '../../tests/harness/rpc-proxy.ts';
import { createBlockFollower, type BlockFollower, type Watch, type WatchEvent } from './block-follower.ts';
import type { Hash } from './blocks.ts';
import { startManualChain, type ManualChain } from './manual-chain.testkit.ts';
import { createRpc } from './rpc.ts';

const SETTINGS_FILE = new URL('../../docker/settings/sandbox.json', import.meta.url);
const sandbox = parseSettings(readFileSync(SETTINGS_FILE, 'utf8'), 'sandbox.json').chain;
const unknownHash = (): Hash => `0x${randomBytes(32).toString('hex')}`;
const HELD_BACK = { finality: { mode: 'depth', depth: 10_000 } } as const;
const WAIT = { timeout: 10_000, interval: 10 };

describe('the block follower', () => {
  let chain: ManualChain;
  let proxy: RpcProxy;
  const stopping: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    chain = await startManualChain();
    proxy = await startRpcProxy(chain.url);
    await chain.mine(3);
  });
  afterEach(async () => {
    for (const stop of stopping.splice(0).toReversed()) await stop();
    await proxy.stop();
    await chain.stop();
  });

  /** A running follower that polls every 20 ms, past its first head. */
  async function follow(overrides: Partial<ChainSettings> = {}) {
    const seen = { head: -1, steps: 0, errors: 0 };
    const follower = createBlockFollower({
      rpc: createRpc({ urls: [proxy.url], chainId: chain.chainId, timeoutMs: 1_000 }),
      settings: { ...sandbox, blockTimeMs: 80, ...overrides },
      onHead: (head) => {
        seen.head = head.number;
        seen.steps += 1;
        return Promise.resolve();
      },
      onError: () => {
        seen.errors += 1;
      },
    });
    const controller = new AbortController();
    const running = follower.run(controller.signal);
    stopping.push(async () => {
      controller.abort();
      await running;
    });
    await steps(seen, 2);
    return { follower, seen };
  }

  /** Waits until the follower has gone through `count` whole steps more. */
  async function steps(seen: { steps: number }, count = 2): Promise<void> {
    const until = seen.steps + count + 1;
    await vi.waitFor(() => expect(seen.steps).toBeGreaterThanOrEqual(until), WAIT);
  }

  /** Everything a watch tells, as it tells it. */
  function listen(follower: BlockFollower, target: { from: string; nonce: number; hashes: Hash[] }): { events: WatchEvent[]; watch: Watch } {
    const watch = follower.watch({ wallet: target.from, nonce: target.nonce, hashes: target.hashes });
    const events: WatchEvent[] = [];
    const controller = new AbortController();
    const listening = (async () => {
      for (;;) events.push(await watch.next(controller.signal));
    })().catch((error: unknown) => {
      if (!controller.signal.aborted) throw error;
    });
    stopping.push(async () => {
      controller.abort();
      await listening;
      watch.close();
    });
    return { events, watch };
  }

  const kinds = (events: WatchEvent[]) => events.map(({ kind }) => kind);
  const told = (events: WatchEvent[], expected: string[]) => vi.waitFor(() => expect(kinds(events)).toEqual(expected), WAIT);
  async function send(transaction: { raw: string }): Promise<void> {
    await chain.rpc.call('eth_sendRawTransaction', [transaction.raw]);
  }

  it('says mined, then final, once each', async () => {
    const { follower, seen } = await follow();
    const transaction = chain.signTransfer(0, 0);
    const { events } = listen(follower, { from: transaction.from, nonce: 0, hashes: [unknownHash(), transaction.txHash] });
    await send(transaction);
    await chain.mine();
    const minedIn = await chain.head();
    await told(events, ['mined']);
    await chain.mine(4);
    await told(events, ['mined', 'final']);
    await chain.mine(4);
    await vi.waitFor(() => expect(seen.head).toBe(minedIn + 8), WAIT);
    await steps(seen);
    expect(events).toEqual([
      { kind: 'mined', receipt: expect.objectContaining({ txHash: transaction.txHash, blockNumber: minedIn, succeeded: true }) },
      { kind: 'final', receipt: expect.objectContaining({ txHash: transaction.txHash, blockNumber: minedIn }) },
    ]);
  });

  it.each(['before the follower ran', 'before it was watched'])('finds a transaction mined %s', async (when) => {
    const transaction = chain.signTransfer(0, 0);
    const running = when === 'before it was watched' ? await follow(HELD_BACK) : null;
    await send(transaction);
    await chain.mine(2);
    if (running) {
      const head = await chain.head();
      await vi.waitFor(() => expect(running.seen.head).toBe(head), WAIT);
      await steps(running.seen);
    }
    const { follower } = running ?? (await follow(HELD_BACK));
    const { events } = listen(follower, { from: transaction.from, nonce: 0, hashes: [transaction.txHash] });
    await told(events, ['mined']);
  });

  it.each([1, 10])('tells of a reorg of depth %i, and of the new block it is mined in', async (depth) => {
    const { follower, seen } = await follow(HELD_BACK);
    const transaction = chain.signTransfer(0, 0);
    const { events } = listen(follower, { from: transaction.from, nonce: 0, hashes: [transaction.txHash] });
    await send(transaction);
    await chain.mine();
    await told(events, ['mined']);
    await chain.mine(depth - 1 || 0);
    const head = await chain.head();
    await vi.waitFor(() => expect(seen.head).toBe(head), WAIT);
    await chain.reorg(depth);
    await told(events, ['mined', 'reorged']);
    await send(transaction);
    await chain.mine();
    await told(events, ['mined', 'reorged', 'mined']);
    await steps(seen);
    const blocks = events.flatMap((event) => (event.kind === 'mined' ? [event.receipt.blockHash] : []));
    expect(blocks[0]).not.toBe(blocks[1]);
    expect(events).toMatchObject([{ kind: 'mined' }, { kind: 'reorged', txHash: transaction.txHash }, { kind: 'mined', receipt: { txHash: transaction.txHash } }]);
  });

  it('reads back the blocks made while no node answered', async () => {
    const { follower, seen } = await follow(HELD_BACK);
    const transactions = [0, 1, 2].map((nonce) => chain.signTransfer(0, nonce));
    const listeners = transactions.map(({ from, txHash }, nonce) => listen(follower, { from, nonce, hashes: [txHash] }));
    await steps(seen);
    proxy.inject({ kind: 'refuse' });
    await vi.waitFor(() => expect(seen.errors).toBeGreaterThan(2), WAIT);
    const minedIn: number[] = [];
    for (const transaction of transactions) {
      await send(transaction);
      await chain.mine(3);
      minedIn.push((await chain.head()) - 2);
    }
    expect(listeners.flatMap(({ events }) => events)).toEqual([]);
    proxy.inject({ kind: 'pass' });
    for (const { events } of listeners) await told(events, ['mined']);
    expect(listeners.map(({ events: [event] }) => event?.kind === 'mined' && event.receipt.blockNumber)).toEqual(minedIn);
  });

  it('says nonce-passed, with a final block that shows it, when a stranger takes the nonce', async () => {
    const { follower, seen } = await follow();
    const foreign = chain.signTransfer(0, 0);
    const mine = listen(follower, { from: foreign.from, nonce: 0, hashes: [unknownHash()] });
    const later = listen(follower, { from: foreign.from, nonce: 1, hashes: [unknownHash()] });
    await send(foreign);
    await chain.mine();
    const minedIn = await chain.head();
    await vi.waitFor(() => expect(seen.head).toBe(minedIn), WAIT);
    await steps(seen);
    // Mined is not final: nothing is said yet.
    expect(mine.events).toEqual([]);
    await chain.mine(4);
    await vi.waitFor(() => expect(mine.events).toMatchObject([{ kind: 'nonce-passed' }]), WAIT);
    const [event] = mine.events;
    expect(event?.kind === 'nonce-passed' && event.finalBlock).toBeGreaterThanOrEqual(minedIn);
    await steps(seen);
    expect(later.events).toEqual([]);
  });

  it('reads receipts one by one where the node does not know eth_getBlockReceipts', async () => {
    proxy.inject({ kind: 'error', code: -32601, message: 'the method eth_getBlockReceipts does not exist/is not available' }, ['eth_getBlockReceipts']);
    const { follower } = await follow(HELD_BACK);
    const transaction = chain.signTransfer(0, 0);
    const stranger = chain.signTransfer(1, 0);
    const { events } = listen(follower, { from: transaction.from, nonce: 0, hashes: [transaction.txHash] });
    await send(stranger);
    await send(transaction);
    await chain.mine();
    await told(events, ['mined']);
    expect(proxy.calls.get('eth_getBlockReceipts')).toBeGreaterThan(0);
    // One receipt was read: ours, not the stranger's.
    expect(proxy.calls.get('eth_getTransactionReceipt')).toBe(1);
  });

  it('ends a wait when it is cancelled, and leaves nothing watched', async () => {
    const { follower, seen } = await follow(HELD_BACK);
    const watch = follower.watch({ wallet: chain.signTransfer(0, 0).from, nonce: 0, hashes: [unknownHash()] });
    const controller = new AbortController();
    const waiting = watch.next(controller.signal);
    controller.abort(new Error('no longer'));
    await expect(waiting).rejects.toThrow('no longer');
    watch.close();
    await steps(seen);
    proxy.calls.clear();
    await chain.mine();
    const head = await chain.head();
    await vi.waitFor(() => expect(seen.head).toBe(head), WAIT);
    await steps(seen);
    // With nobody watching, no receipts are asked for.
    expect(proxy.calls.get('eth_getBlockReceipts')).toBeUndefined();
  });
});
