import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseSettings, type ChainSettings } from '../../domain/settings.ts';
import { startRpcProxy, type Fault, type RpcProxy } from '../../tests/harness/rpc-proxy.ts';
import { createBlockFollower, type BlockFollower, type Cursor, type FollowerBooks, type Inclusion, type Watch, type WatchEvent } from './block-follower.ts';
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

  /** A follower that polls every 20 ms once it is started. */
  function createFollowing(books?: FollowerBooks, overrides: Partial<ChainSettings> = HELD_BACK, readBackMax?: number) {
    const seen = { head: -1, steps: 0, errors: 0 };
    const follower = createBlockFollower({
      ...(books && { books }),
      ...(readBackMax !== undefined && { readBackMax }),
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
    let running = Promise.resolve();
    const stop = async () => {
      controller.abort();
      await running;
    };
    stopping.push(stop);
    const start = () => {
      running = follower.run(controller.signal);
    };
    return { follower, seen, start, stop };
  }

  /** The same, past its first head. */
  async function follow(overrides: Partial<ChainSettings> = {}, books?: FollowerBooks, readBackMax?: number) {
    const following = createFollowing(books, overrides, readBackMax);
    following.start();
    await steps(following.seen, 2);
    return following;
  }

  /** The books of one monitor after another. */
  function newBooks() {
    const kept = { cursor: null as Cursor | null, inclusions: [] as Inclusion[], undone: [] as number[], failUndone: 0 };
    const books: FollowerBooks = {
      loadCursor: () => Promise.resolve(kept.cursor),
      saveCursor: (cursor) => {
        kept.cursor = cursor;
        return Promise.resolve();
      },
      inclusionsOf: (hashes) => Promise.resolve(kept.inclusions.filter(({ txHash }) => hashes.includes(txHash))),
      finalityUndone: (fromBlock) => {
        kept.undone.push(fromBlock);
        kept.failUndone -= 1;
        return kept.failUndone >= 0 ? Promise.reject(new Error('the books are away')) : Promise.resolve();
      },
    };
    return { kept, books };
  }

  /** Waits until the follower has read the newest block. */
  async function caughtUp(seen: { head: number; steps: number }): Promise<number> {
    const head = await chain.head();
    await vi.waitFor(() => expect(seen.head).toBe(head), WAIT);
    await steps(seen);
    return head;
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

  it.each([1, 10, 100])('tells of a reorg of depth %i, and of the new block it is mined in', async (depth) => {
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

  it('tells of the other block a reorg put the transaction in', async () => {
    const { follower, seen } = await follow(HELD_BACK);
    const transaction = chain.signTransfer(0, 0);
    const { events } = listen(follower, { from: transaction.from, nonce: 0, hashes: [transaction.txHash] });
    await send(transaction);
    await chain.mine(5);
    const head = await caughtUp(seen);
    await chain.reorg(5, [[transaction.raw, 2]]);
    await told(events, ['mined', 'reorged', 'mined']);
    expect(events).toMatchObject([{ receipt: { blockNumber: head - 4 } }, { txHash: transaction.txHash }, { receipt: { blockNumber: head - 2 } }]);
  });

  it.each([
    ['answers with an error', { kind: 'error', message: 'not now' }],
    ['shows none', { kind: 'rewrite', change: (): null => null }],
    ['shows an empty list', { kind: 'rewrite', change: (): never[] => [] }],
  ] as const)('skips no block of ours whose receipts the node %s', async (_what, fault) => {
    const { follower, seen } = await follow();
    const transaction = chain.signTransfer(0, 0);
    const { events } = listen(follower, { from: transaction.from, nonce: 0, hashes: [transaction.txHash] });
    proxy.inject(fault, ['eth_getBlockReceipts']);
    await send(transaction);
    await chain.mine(6);
    await vi.waitFor(() => expect(seen.errors).toBeGreaterThan(2), WAIT);
    expect(events).toEqual([]);
    proxy.inject({ kind: 'pass' });
    await told(events, ['mined', 'final']);
  });

  it('waits while finality stands still, steps back or cannot be said, and rules when it goes on', async () => {
    const { follower, seen } = await follow();
    const transaction = chain.signTransfer(0, 0);
    const { events } = listen(follower, { from: transaction.from, nonce: 0, hashes: [transaction.txHash] });
    const answers = new Map<string, unknown>();
    for (const tag of ['finalized', '0x0']) {
      const block = await chain.rpc.call('eth_getBlockByNumber', [tag, false]);
      answers.set(tag, block);
    }
    const frozen = (block: unknown): Fault => ({ kind: 'rewrite', change: (result, { params }) => (params[0] === 'finalized' ? block : result) });
    proxy.inject(frozen(answers.get('finalized')), ['eth_getBlockByNumber']);
    await send(transaction);
    await chain.mine(40);
    await caughtUp(seen);
    await told(events, ['mined']);
    proxy.inject(frozen(answers.get('0x0')), ['eth_getBlockByNumber']);
    await chain.mine(5);
    await caughtUp(seen);
    proxy.inject(frozen(null), ['eth_getBlockByNumber']);
    await chain.mine(5);
    const minedAt = await caughtUp(seen);
    expect(kinds(events)).toEqual(['mined']);
    expect(seen.head).toBe(minedAt);
    proxy.inject({ kind: 'pass' });
    await told(events, ['mined', 'final']);
  });

  it('neither judges nor asks for more while the chain stands still', async () => {
    const { follower, seen } = await follow({ stuckAfterBlocks: 2 });
    const { from, txHash, raw } = chain.signTransfer(0, 0);
    const waiting = Array.from({ length: 50 }, (_, nonce) => listen(follower, { from, nonce: nonce + 1, hashes: [unknownHash()] }));
    const mined = listen(follower, { from, nonce: 0, hashes: [txHash] });
    await send({ raw });
    await chain.mine();
    await told(mined.events, ['mined']);
    await steps(seen);
    proxy.calls.clear();
    const before = seen.steps;
    await steps(seen, 40);
    const calls = [...proxy.calls.values()].reduce((sum, count) => sum + count, 0);
    // Each step looks for a new head and, as a payment waits for it, for the final block.
    expect(calls).toBeLessThanOrEqual(2 * (seen.steps - before + 1));
    expect([...proxy.calls.keys()]).toEqual(['eth_getBlockByNumber']);
    expect(waiting.flatMap(({ events }) => events)).toEqual([]);
    await chain.mine(4);
    await told(mined.events, ['mined', 'final']);
  });

  it('says stuck of the lowest known nonce, lost of those no node holds, again and again, by two calls a wallet', async () => {
    const { follower, seen } = await follow({ ...HELD_BACK, stuckAfterBlocks: 3 });
    const known = [0, 1].map((nonce) => chain.signTransfer(0, nonce));
    for (const transaction of known) await send(transaction);
    // Blocks with room for neither: known to the node, and not mined.
    const roomy = (await chain.rpc.call<{ gasLimit: string }>('eth_getBlockByNumber', ['latest', false])).gasLimit;
    await chain.rpc.call('evm_setBlockGasLimit', ['0x5207']);
    const { from } = chain.signTransfer(0, 0);
    const [lowest, next] = known.map(({ txHash }, nonce) => listen(follower, { from, nonce, hashes: [unknownHash(), txHash] }));
    const lost = [2, 3].map((nonce) => listen(follower, { from, nonce, hashes: [unknownHash()] }));
    await steps(seen);
    await chain.mine(2);
    await caughtUp(seen);
    proxy.calls.clear();
    expect([lowest, next, ...lost].flatMap((listener) => listener?.events ?? [])).toEqual([]);
    await chain.mine();
    await told(lowest?.events ?? [], ['stuck']);
    for (const { events } of lost) await told(events, ['lost']);
    await caughtUp(seen);
    expect(proxy.calls.get('eth_getTransactionCount')).toBe(2);
    await chain.mine(3);
    await told(lowest?.events ?? [], ['stuck', 'stuck']);
    for (const { events } of lost) await told(events, ['lost', 'lost']);
    expect(next?.events).toEqual([]);
    await chain.rpc.call('evm_setBlockGasLimit', [roomy]);
    await chain.mine();
    await told(lowest?.events ?? [], ['stuck', 'stuck', 'mined']);
    await told(next?.events ?? [], ['mined']);
  });

  it('lets all bytes of a forgetful node be sent again within a few blocks, a few at a time', async () => {
    const { follower, seen } = await follow({ ...HELD_BACK, stuckAfterBlocks: 3 });
    const transactions = Array.from({ length: 40 }, (_, nonce) => chain.signTransfer(0, nonce));
    const listeners = transactions.map(({ from, txHash }, nonce) => listen(follower, { from, nonce, hashes: [txHash] }));
    await steps(seen);
    const sent = new Set<number>();
    for (let block = 0; block < 3; block += 1) {
      await chain.mine();
      await caughtUp(seen);
    }
    for (let block = 0; block < 10 && sent.size < 40; block += 1) {
      for (const [nonce, { events }] of listeners.entries()) {
        if (block === 0 && nonce < 16) await told(events, ['lost']);
        if (sent.has(nonce) || !kinds(events).includes('lost')) continue;
        sent.add(nonce);
        await send(transactions[nonce] as { raw: string });
      }
      if (block === 0) expect(sent.size).toBe(16);
      await chain.mine();
      await caughtUp(seen);
    }
    for (const { events } of listeners) await vi.waitFor(() => expect(kinds(events).at(-1)).toBe('mined'), WAIT);
    expect(listeners.map(({ events }) => kinds(events).filter((kind) => kind === 'lost').length)).toEqual(transactions.map(() => 1));
  });

  describe('after a time without a monitor', () => {
    it.each([
      ['by block', false, { eth_getBlockReceipts: 3, eth_getTransactionReceipt: undefined }],
      ['by block and receipt where the node lacks eth_getBlockReceipts', true, { eth_getTransactionReceipt: 3 }],
    ])('reads back %s what was mined meanwhile', async (_how, lacking, expected) => {
      if (lacking) proxy.inject({ kind: 'error', code: -32601, message: 'the method eth_getBlockReceipts does not exist/is not available' }, ['eth_getBlockReceipts']);
      const { kept, books } = newBooks();
      const first = await follow(HELD_BACK, books);
      await caughtUp(first.seen);
      await first.stop();
      expect(kept.cursor?.blockNumber).toBe(await chain.head());
      const transactions = [0, 1, 2].map((nonce) => chain.signTransfer(0, nonce));
      const minedIn: number[] = [];
      for (const transaction of transactions) {
        await send(transaction);
        await chain.mine(10);
        minedIn.push((await chain.head()) - 9);
      }
      proxy.calls.clear();
      // One is watched from the start, the others when the gap has been read.
      const second = createFollowing(books);
      const early = listen(second.follower, { from: transactions[0]?.from ?? '', nonce: 0, hashes: [transactions[0]?.txHash ?? '0x'] });
      second.start();
      await caughtUp(second.seen);
      const late = [1, 2].map((nonce) => listen(second.follower, { from: transactions[nonce]?.from ?? '', nonce, hashes: [unknownHash(), transactions[nonce]?.txHash ?? '0x'] }));
      for (const { events } of [early, ...late]) await told(events, ['mined']);
      expect([early, ...late].map(({ events: [event] }) => event?.kind === 'mined' && event.receipt.blockNumber)).toEqual(minedIn);
      expect(Object.fromEntries(proxy.calls)).toMatchObject(Object.fromEntries(Object.entries(expected).filter(([, count]) => count !== undefined)));
      if (!lacking) expect(proxy.calls.get('eth_getTransactionReceipt')).toBeUndefined();
      expect(kept.undone).toEqual([]);
    });

    it('tells of a reorg that happened meanwhile, and has finality looked at', async () => {
      const { kept, books } = newBooks();
      const first = await follow(HELD_BACK, books);
      const [dropped, moved, stayed] = [chain.signTransfer(0, 0), chain.signTransfer(1, 0), chain.signTransfer(2, 0)];
      await send(stayed);
      await chain.mine(3);
      for (const transaction of [dropped, moved]) await send(transaction);
      await chain.mine(2);
      const head = await caughtUp(first.seen);
      await first.stop();
      for (const { txHash } of [dropped, moved, stayed]) {
        const receipt = await chain.rpc.call<{ blockNumber: string; blockHash: Hash }>('eth_getTransactionReceipt', [txHash]);
        kept.inclusions.push({ txHash, blockNumber: Number(receipt.blockNumber), blockHash: receipt.blockHash });
      }
      await chain.reorg(3, [[moved.raw, 2]]);
      await chain.mine(3);
      const second = await follow(HELD_BACK, books);
      const watched = [dropped, moved, stayed].map(({ from, txHash }) => listen(second.follower, { from, nonce: 0, hashes: [txHash] }));
      await told(watched[0]?.events ?? [], ['reorged']);
      await told(watched[1]?.events ?? [], ['reorged', 'mined']);
      await told(watched[2]?.events ?? [], ['mined']);
      expect(kept.undone).toEqual([1]);
      await send(dropped);
      await chain.mine();
      await told(watched[0]?.events ?? [], ['reorged', 'mined']);
      await caughtUp(second.seen);
      expect(kept.cursor?.blockNumber).toBe(head + 4);
    });

    it('begins at the head when the gap is too long, and looks up what it holds', async () => {
      const { kept, books } = newBooks();
      const transaction = chain.signTransfer(0, 0);
      await send(transaction);
      await chain.mine();
      const cursor = (await chain.head()) - 1;
      const header = await chain.rpc.call<{ hash: Hash }>('eth_getBlockByNumber', [`0x${cursor.toString(16)}`, false]);
      kept.cursor = { blockNumber: cursor, blockHash: header.hash };
      await chain.mine(30);
      const { follower } = await follow(HELD_BACK, books, 30);
      const { events } = listen(follower, { from: transaction.from, nonce: 0, hashes: [unknownHash(), transaction.txHash] });
      await told(events, ['mined']);
      expect(proxy.calls.get('eth_getTransactionReceipt')).toBe(2);
      // Nothing was read back.
      expect(proxy.calls.get('eth_getBlockReceipts')).toBeUndefined();
    });
  });

  it('reports final blocks that left the chain until the books have acted, and calls nothing final in their place too early', async () => {
    const { kept, books } = newBooks();
    kept.failUndone = 2;
    const { follower, seen } = await follow({ finality: { mode: 'depth', depth: 2 } }, books);
    const transaction = chain.signTransfer(0, 0);
    const { events } = listen(follower, { from: transaction.from, nonce: 0, hashes: [transaction.txHash] });
    await send(transaction);
    await chain.mine(9);
    const head = await caughtUp(seen);
    await told(events, ['mined', 'final']);
    expect(kept.undone).toEqual([]);
    await chain.reorg(9, [[transaction.raw, 1]]);
    await told(events, ['mined', 'final', 'reorged', 'mined']);
    await steps(seen, 4);
    expect(kept.undone).toEqual([head - 8, head - 8, head - 8]);
    // The block that took its place stands below what was called final before: that proves nothing.
    expect(events).toHaveLength(4);
    await chain.mine();
    await told(events, ['mined', 'final', 'reorged', 'mined', 'final']);
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
