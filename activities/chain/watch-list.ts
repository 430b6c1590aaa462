import type { Hash } from './blocks.ts';
import type { Receipt } from './receipts.ts';

/** What the chain says of a watched nonce, in the order it says it. */
export type WatchEvent =
  | { kind: 'mined'; receipt: Receipt }
  /** the block that held the receipt left the chain */
  | { kind: 'reorged'; txHash: Hash }
  | { kind: 'final'; receipt: Receipt }
  /** finally consumed, and no receipt of ours is known: somebody has to prove by whom */
  | { kind: 'nonce-passed'; finalBlock: number }
  /** unmined for as many blocks as the settings allow, and the lowest nonce of its wallet */
  | { kind: 'stuck' }
  /** unmined for as many blocks, and no node holds the bytes */
  | { kind: 'lost' };

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

/** A block in which a transaction was seen. */
export interface Inclusion {
  txHash: Hash;
  blockNumber: number;
  blockHash: Hash;
}

export interface WatchState {
  readonly target: WatchTarget;
  /** where an earlier watch, of this or another process, saw an attempt; undefined until the books were asked */
  seenBefore: Inclusion | null | undefined;
  /** of the attempt that is in the chain now */
  receipt: Receipt | null;
  finalSent: boolean;
  /** whether what was mined before the watch began is known; false asks (again) at the next step */
  attended: boolean;
  /** head when the present wait began; null until the first head */
  waitingSince: number | null;
  /** block at which it was last called stuck or lost */
  toldAt: number;
  /** up to this block the nonce is known to be open, or was reported as passed */
  comparedAt: number;
}

interface Entry extends WatchState {
  queue: WatchEvent[];
  wake: () => void;
}

/** Everything watched in one process. What is told waits in each watch's own queue. */
export interface WatchList extends Iterable<WatchState> {
  open(target: WatchTarget): Watch;
  /** from here the waits that begin are counted */
  headIs(blockNumber: number): void;
  isWatched(txHash: Hash): boolean;
  /** tells every watch of the receipt's transaction; told twice of the same block, nothing */
  mined(receipt: Receipt): void;
  /** takes back what was said of a receipt, also where nobody has heard it yet */
  unmined(state: WatchState, txHash: Hash): void;
  final(state: WatchState, receipt: Receipt): void;
  tell(state: WatchState, event: Extract<WatchEvent, { kind: 'nonce-passed' | 'stuck' | 'lost' }>): void;
}

export function createWatchList(): WatchList {
  const entries = new Set<Entry>();
  /** an activity and its retry may watch the same nonce for a while */
  const byHash = new Map<Hash, Set<Entry>>();
  let head: number | null = null;

  function push(state: WatchState, event: WatchEvent): void {
    const entry = state as Entry;
    entry.queue.push(event);
    entry.wake();
  }

  function unmined(state: WatchState, txHash: Hash): void {
    const entry = state as Entry;
    entry.receipt = null;
    entry.seenBefore = null;
    entry.finalSent = false;
    entry.waitingSince = head;
    // A ruling nobody has heard yet must not be acted on once its block is gone.
    entry.queue = entry.queue.filter(({ kind }) => kind !== 'mined' && kind !== 'final');
    push(entry, { kind: 'reorged', txHash });
  }

  return {
    [Symbol.iterator]: () => entries[Symbol.iterator](),
    headIs(blockNumber) {
      head = blockNumber;
      for (const entry of entries) entry.waitingSince ??= head;
    },
    open(target) {
      const entry: Entry = { target, receipt: null, finalSent: false, attended: false, seenBefore: undefined, waitingSince: head, toldAt: -Infinity, comparedAt: -1, queue: [], wake: () => undefined };
      entries.add(entry);
      for (const hash of target.hashes) byHash.set(hash, (byHash.get(hash) ?? new Set()).add(entry));
      return {
        async next(signal) {
          while (entry.queue.length === 0) await woken(entry, signal);
          return entry.queue.shift() as WatchEvent;
        },
        close() {
          entries.delete(entry);
          for (const hash of target.hashes) {
            const watching = byHash.get(hash);
            watching?.delete(entry);
            if (watching?.size === 0) byHash.delete(hash);
          }
        },
      };
    },
    isWatched: (txHash) => byHash.has(txHash),
    mined(receipt) {
      for (const entry of byHash.get(receipt.txHash) ?? []) {
        if (entry.receipt?.blockHash === receipt.blockHash) continue;
        const before = entry.receipt ?? entry.seenBefore;
        if (before && before.blockHash !== receipt.blockHash) unmined(entry, before.txHash);
        entry.receipt = receipt;
        entry.attended = true;
        push(entry, { kind: 'mined', receipt });
      }
    },
    unmined,
    final(state, receipt) {
      state.finalSent = true;
      push(state, { kind: 'final', receipt });
    },
    tell: push,
  };
}

function woken(entry: Entry, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    entry.wake = () => {
      signal.removeEventListener('abort', abort);
      resolve();
    };
  });
}
