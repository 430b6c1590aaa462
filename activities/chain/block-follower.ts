import type { ChainSettings } from '../../domain/settings.ts';
import { readFinalizedNumber, readHeader, readTransactionCount, type BlockHeader, type Hash } from './blocks.ts';
import { readBlockReceipts, readReceipt, type Receipt } from './receipts.ts';
import type { Rpc } from './rpc.ts';

/** What the chain says of a watched nonce, in the order it says it. */
export type WatchEvent =
  | { kind: 'mined'; receipt: Receipt }
  /** the block that held the receipt left the chain */
  | { kind: 'reorged'; txHash: Hash }
  | { kind: 'final'; receipt: Receipt }
  /** finally consumed, and no receipt of ours is known: somebody has to prove by whom */
  | { kind: 'nonce-passed'; finalBlock: number }
  /** unmined for as many blocks as the settings allow */
  | { kind: 'stale' };

export interface WatchTarget {
  wallet: string;
  nonce: number;
  /** every attempt on the nonce: an older one may win */
  hashes: readonly Hash[];
}

export interface Watch {
  /** The next event; rejects when `signal` aborts. */
  next(signal: AbortSignal): Promise<WatchEvent>;
  close(): void;
}

export interface BlockFollower {
  /** Watches a nonce until closed. RPC calls per block do not grow with the number of watches. */
  watch(target: WatchTarget): Watch;
  /** Follows the chain until stopped. Errors of the chain are waited out. */
  run(signal: AbortSignal): Promise<void>;
}

export interface FollowerPorts {
  rpc: Rpc;
  settings: ChainSettings;
  onHead: (head: BlockHeader) => Promise<void>;
  onError: (error: unknown) => void;
}

interface WatchState {
  target: WatchTarget;
  receipt: Receipt | null;
  finalSent: boolean;
  /** receipts were asked for since registration; false asks (again) at the next step */
  checked: boolean;
  /** head when the present wait began; null until the first head */
  waitingSince: number | null;
  /** final block at which its nonce was last compared */
  comparedAt: number;
  queue: WatchEvent[];
  wake: () => void;
}

/** Hashes of processed blocks kept to find where a reorg forked; deeper than any reorg seen before milestones. */
const REMEMBERED_BLOCKS = 1_024;
const BLOCKS_PER_STEP = 500;

/** One follower serves all waiting withdrawals of one chain in one process. */
export function createBlockFollower(ports: FollowerPorts): BlockFollower {
  const { rpc, settings } = ports;
  const watches = new Set<WatchState>();
  const byHash = new Map<Hash, WatchState>();
  const processed = new Map<number, Hash>();
  let last: number | null = null;
  let finalNumber = 0;

  function push(state: WatchState, event: WatchEvent): void {
    state.queue.push(event);
    state.wake();
  }

  function mined(state: WatchState, receipt: Receipt): void {
    if (state.receipt?.blockHash === receipt.blockHash) return;
    state.receipt = receipt;
    push(state, { kind: 'mined', receipt });
  }

  function unmined(state: WatchState): void {
    if (state.receipt === null) return;
    push(state, { kind: 'reorged', txHash: state.receipt.txHash });
    state.receipt = null;
    state.waitingSince = last;
  }

  function watch(target: WatchTarget): Watch {
    const state: WatchState = { target, receipt: null, finalSent: false, checked: false, waitingSince: last, comparedAt: -1, queue: [], wake: () => undefined };
    watches.add(state);
    for (const hash of target.hashes) byHash.set(hash, state);
    void findEarlierReceipt(state).catch(ports.onError);
    return {
      async next(signal) {
        while (state.queue.length === 0) {
          signal.throwIfAborted();
          await new Promise<void>((resolve, reject) => {
            const abort = () => reject(signal.reason as Error);
            signal.addEventListener('abort', abort, { once: true });
            state.wake = () => {
              signal.removeEventListener('abort', abort);
              resolve();
            };
          });
        }
        return state.queue.shift() as WatchEvent;
      },
      close() {
        watches.delete(state);
        for (const hash of target.hashes) if (byHash.get(hash) === state) byHash.delete(hash);
      },
    };
  }

  /** It may have been mined before anyone watched: ask once, after registering, so that no block falls in between. */
  async function findEarlierReceipt(state: WatchState): Promise<void> {
    state.checked = true;
    try {
      for (const hash of state.target.hashes) {
        const receipt = await readReceipt(rpc, hash);
        if (receipt && state.receipt === null) mined(state, receipt);
      }
    } catch (error) {
      state.checked = false;
      throw error;
    }
  }

  /** Drops blocks that left the chain; returns the last block still in it. */
  async function rewind(from: number): Promise<number> {
    let ancestor = from;
    while (processed.has(ancestor)) {
      const canonical = await readHeader(rpc, ancestor);
      if (canonical?.hash === processed.get(ancestor)) break;
      processed.delete(ancestor);
      ancestor -= 1;
    }
    for (const state of watches) if (state.receipt && state.receipt.blockNumber > ancestor) unmined(state);
    return ancestor;
  }

  async function followTo(head: BlockHeader): Promise<void> {
    if (last === null) {
      last = head.number;
      processed.set(head.number, head.hash);
      for (const state of watches) {
        state.waitingSince = head.number;
        state.checked = false;
      }
      return;
    }
    if (head.number <= last && processed.get(head.number) !== head.hash) last = await rewind(last);
    const until = Math.min(head.number, last + BLOCKS_PER_STEP);
    for (let number = last + 1; number <= until; number += 1) {
      const header: BlockHeader | null = number === head.number ? head : await readHeader(rpc, number);
      if (!header) return;
      const parent = processed.get(number - 1);
      if (parent !== undefined && parent !== header.parentHash) {
        last = await rewind(number - 1);
        return;
      }
      const receipts = byHash.size === 0 ? [] : await readBlockReceipts(rpc, number, (hash) => byHash.has(hash));
      // A receipt of another block than the header's: the chain moved under us. Read this block again at the next step.
      if (receipts.some((receipt) => receipt.blockHash !== header.hash)) return;
      for (const receipt of receipts) {
        const state = byHash.get(receipt.txHash);
        if (state) mined(state, receipt);
      }
      processed.set(number, header.hash);
      processed.delete(number - REMEMBERED_BLOCKS);
      last = number;
    }
  }

  async function rule(head: BlockHeader): Promise<void> {
    // An error or a step back of the tag means "not yet": finality is never taken back here.
    const answered = await readFinalizedNumber(rpc, settings, head.number).catch((error: unknown) => {
      ports.onError(error);
      return null;
    });
    if (answered !== null && answered > finalNumber) finalNumber = answered;
    const canonical = new Map<number, Hash | null>();
    for (const state of watches) {
      const { receipt } = state;
      if (!receipt || state.finalSent || receipt.blockNumber > finalNumber) continue;
      if (!canonical.has(receipt.blockNumber)) canonical.set(receipt.blockNumber, (await readHeader(rpc, receipt.blockNumber))?.hash ?? null);
      const hash = canonical.get(receipt.blockNumber);
      if (hash === receipt.blockHash) {
        state.finalSent = true;
        push(state, { kind: 'final', receipt });
      } else if (hash !== null) unmined(state);
    }
    await comparePassedNonces();
  }

  async function comparePassedNonces(): Promise<void> {
    const counts = new Map<string, number>();
    for (const state of watches) {
      if (state.receipt || state.comparedAt >= finalNumber) continue;
      const { wallet, nonce } = state.target;
      if (!counts.has(wallet)) counts.set(wallet, await readTransactionCount(rpc, wallet, finalNumber));
      state.comparedAt = finalNumber;
      if ((counts.get(wallet) ?? 0) <= nonce) continue;
      state.checked = false;
      push(state, { kind: 'nonce-passed', finalBlock: finalNumber });
    }
  }

  function noticeStale(head: BlockHeader): void {
    for (const state of watches) {
      if (state.receipt || state.waitingSince === null || head.number - state.waitingSince < settings.stuckAfterBlocks) continue;
      state.waitingSince = head.number;
      push(state, { kind: 'stale' });
    }
  }

  async function step(): Promise<void> {
    const head = await readHeader(rpc, 'latest');
    if (!head) return;
    await ports.onHead(head);
    await followTo(head);
    for (const state of watches) if (!state.checked) await findEarlierReceipt(state);
    await rule(head);
    noticeStale(head);
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await step().catch(ports.onError);
      await pause(settings.blockTimeMs / 4, signal);
    }
  }

  return { watch, run };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
