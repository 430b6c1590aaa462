import { EngineError } from '../../domain/errors.ts';
import type { ChainSettings } from '../../domain/settings.ts';
import { createBlockRing } from './block-ring.ts';
import { readFinalizedNumber, readTransactionCount, type BlockHeader, type Hash } from './blocks.ts';
import { readCanonicalHash } from './canonical-hash.ts';
import { createFinalPoint } from './final-point.ts';
import { judgeNonce, readWalletCounts } from './nonce-progress.ts';
import { readBlock, type Block } from './read-block.ts';
import { readBlockReceipts, readReceipt, type Receipt } from './receipts.ts';
import type { Rpc } from './rpc.ts';
import { createWatchList, type Inclusion, type Watch, type WatchState, type WatchTarget } from './watch-list.ts';

export type { Inclusion, Watch, WatchEvent, WatchTarget } from './watch-list.ts';

export interface BlockFollower {
  /** Watches a nonce until closed. RPC calls per block do not grow with the number of watches. */
  watch(target: WatchTarget): Watch;
  /** Follows the chain until stopped. Errors of the chain are waited out. */
  run(signal: AbortSignal): Promise<void>;
}

/** The last block a follower has read. */
export interface Cursor {
  blockNumber: number;
  blockHash: Hash;
}

/** What outlives the process. Whatever fails here is tried again at the next step. */
export interface FollowerBooks {
  loadCursor(): Promise<Cursor | null>;
  saveCursor(cursor: Cursor): Promise<void>;
  /** the blocks in which these transactions were last seen, by any monitor */
  inclusionsOf(txHashes: readonly Hash[]): Promise<Inclusion[]>;
  /** final blocks from `fromBlock` on may have left the chain: find what that undid, and stop its wallets */
  finalityUndone(fromBlock: number): Promise<void>;
}

export interface FollowerPorts {
  rpc: Rpc;
  settings: ChainSettings;
  onHead: (head: BlockHeader) => Promise<void>;
  onError: (error: unknown) => void;
  /** a longer gap, in blocks, is not read back: what it holds is looked up one by one; 5,000 unless given */
  readBackMax?: number;
  /** without them the follower begins at the head, and knows only what it saw itself */
  books?: FollowerBooks;
}

const BLOCKS_PER_STEP = 500;
/** While a nonce is overdue its wallet is looked at this often: soon enough to see that bytes sent again have arrived. */
const EXAMINE_EVERY_BLOCKS = 3;
/** Read again before a cursor whose block left the chain; deeper than any reorg Polygon has seen. */
const REREAD_BLOCKS = 256;
/** Nearer to the head than this, a node without old states still answers for the last block read. */
const NEAR_HEAD_BLOCKS = 16;

/**
 * One follower serves all waiting withdrawals of one chain in one process. Each block is read once, with the hashes of
 * its transactions; receipts are read for the blocks that hold one of ours. What waits costs nothing a block.
 */
export function createBlockFollower(ports: FollowerPorts): BlockFollower {
  const { rpc, settings, books, readBackMax = 5_000 } = ports;
  const watches = createWatchList();
  const ring = createBlockRing();
  const finality = createFinalPoint();
  /** the block at which each wallet's overdue nonces were last looked at */
  const examinedAt = new Map<string, number>();
  let headNumber: number | null = null;
  let savedHash: Hash | null = null;
  /** the last block read when finality was last asked for */
  let askedAt: number | null = null;
  /** the lowest final block that may be gone, until the books were told */
  let undoneFrom: number | null = null;

  /** What earlier watches said of the newly watched: they may have to be told that it no longer holds. */
  async function recall(): Promise<void> {
    const fresh = [...watches].filter(({ seenBefore }) => seenBefore === undefined);
    if (!books || fresh.length === 0) return;
    const inclusions = new Map((await books.inclusionsOf(fresh.flatMap(({ target }) => target.hashes))).map((inclusion) => [inclusion.txHash, inclusion]));
    for (const state of fresh) state.seenBefore = state.target.hashes.map((hash) => inclusions.get(hash)).find((inclusion) => inclusion !== undefined) ?? null;
  }

  async function follow(head: Block): Promise<void> {
    if (ring.last() === null) await resume(head);
    const last = ring.last();
    if (last === null) return;
    const readBefore = ring.hashAt(head.number);
    if (readBefore !== undefined && readBefore !== head.hash) await rewind(head.number);
    const from = (ring.last() ?? last) + 1;
    const until = Math.min(head.number, from + BLOCKS_PER_STEP - 1);
    for (let number = from; number <= until; number += 1) {
      const block = number === head.number ? head : await readBlock(rpc, number);
      if (!block) return;
      if (!ring.isNext(block)) return rewind(number - 1);
      for (const receipt of await receiptsIn(block.number, block.hash, block.transactions)) watches.mined(receipt);
      ring.push(block);
    }
  }

  /** Goes on where the last monitor stopped, or begins at the head. */
  async function resume(head: Block): Promise<void> {
    const cursor = (await books?.loadCursor()) ?? null;
    const gap = cursor ? head.number - cursor.blockNumber : Infinity;
    if (!cursor || gap < 0 || gap > readBackMax) return ring.push(head);
    const block = await readBlock(rpc, cursor.blockNumber);
    if (!block) throw behind('eth_getBlockByNumber', cursor.blockNumber);
    if (block.hash === cursor.blockHash) return ring.push(block);
    const below = Math.max(0, cursor.blockNumber - REREAD_BLOCKS);
    undoneFrom = below + 1;
    ring.cutAbove(below);
  }

  /** Forgets the blocks that left the chain: finds the newest one still in it, by halving. */
  async function rewind(from: number): Promise<void> {
    let kept = (ring.first() ?? from + 1) - 1;
    let gone = from + 1;
    while (gone - kept > 1) {
      const middle = kept + Math.floor((gone - kept) / 2);
      const block = await readBlock(rpc, middle);
      if (!block) throw behind('eth_getBlockByNumber', middle);
      if (block.hash === ring.hashAt(middle)) kept = middle;
      else gone = middle;
    }
    ring.cutAbove(kept);
    if (finality.undoAbove(kept)) undoneFrom = Math.min(undoneFrom ?? Infinity, kept + 1);
    for (const state of watches) {
      state.comparedAt = Math.min(state.comparedAt, kept);
      if (state.receipt && state.receipt.blockNumber > kept) takeBack(state, state.receipt.txHash);
    }
  }

  function takeBack(state: WatchState, txHash: Hash): void {
    watches.unmined(state, txHash);
    state.waitingSince = headNumber;
  }

  /** The receipts of what is watched in a block: all of them, of this very block, or an error. */
  async function receiptsIn(blockNumber: number, blockHash: Hash, transactions: readonly Hash[]): Promise<Receipt[]> {
    const ours = new Set(transactions.filter((hash) => watches.isWatched(hash)));
    if (ours.size === 0) return [];
    const receipts = await readBlockReceipts(rpc, blockNumber, (hash) => ours.has(hash));
    if (receipts.length !== ours.size || receipts.some((receipt) => receipt.blockHash !== blockHash)) throw behind('eth_getBlockReceipts', blockNumber);
    return receipts;
  }

  /**
   * Finds what was mined before its watch began. What the remembered blocks hold is read by block. Of the others, a nonce the
   * chain had not counted at a remembered block is in no block up to there, nor in the remembered ones above, and the later ones
   * are read anyway: one call a wallet. Only a nonce that is used and in no remembered block is looked up by its hashes.
   */
  async function attend(): Promise<void> {
    const fresh = [...watches].filter(({ attended, seenBefore }) => !attended && (!books || seenBefore !== undefined));
    for (const [blockNumber, held] of groupBy(fresh, ({ target }) => blockHolding(target))) {
      const blockHash = blockNumber === undefined ? undefined : ring.hashAt(blockNumber);
      if (blockNumber === undefined || blockHash === undefined) continue;
      const transactions = held.flatMap(({ target }) => target.hashes).filter((hash) => ring.blockOf(hash) === blockNumber);
      for (const receipt of await receiptsIn(blockNumber, blockHash, transactions)) watches.mined(receipt);
    }
    const last = ring.last();
    if (last === null) return;
    // A little below, where an endpoint that lags by as much as it may has the block too.
    const margin = Math.min(settings.endpoints.lagBlocksMax, NEAR_HEAD_BLOCKS);
    const at = Math.max(0, last - margin, (ring.first() ?? last + 1) - 1);
    const elsewhere = fresh.filter(({ attended }) => !attended);
    for (const [wallet, states] of groupBy(elsewhere, ({ target }) => target.wallet)) {
      const count = await readTransactionCount(rpc, wallet, at);
      for (const state of states) {
        if (state.target.nonce < count) await lookUp(state);
        else notMined(state, at, last);
      }
    }
  }

  const blockHolding = (target: WatchTarget) => target.hashes.map((hash) => ring.blockOf(hash)).find((number) => number !== undefined);

  function notMined(state: WatchState, at: number, last: number): void {
    const before = state.seenBefore;
    // Above the last block read another monitor may have seen what is still to come here.
    if (before && before.blockNumber <= last) takeBack(state, before.txHash);
    state.attended = true;
    state.comparedAt = Math.max(state.comparedAt, at);
  }

  async function lookUp(state: WatchState): Promise<void> {
    for (const hash of state.target.hashes) {
      const receipt = await readReceipt(rpc, hash);
      if (!receipt) continue;
      const known = ring.hashAt(receipt.blockNumber);
      if (known !== undefined && known !== receipt.blockHash) throw behind('eth_getTransactionReceipt', receipt.blockNumber);
      watches.mined(receipt);
    }
    state.attended = true;
  }

  /** Tells the books of undone finality until they have acted on it. */
  async function reportUndone(): Promise<void> {
    const reported = undoneFrom;
    if (reported === null) return;
    await books?.finalityUndone(reported);
    if (undoneFrom === reported) undoneFrom = null;
  }

  /**
   * Says what has become final, of blocks that were read: of a higher one nobody knows here whether its parents fit. A receipt's
   * block is compared again at this moment, so a ruling never rests on what an earlier step believed.
   */
  async function rule(): Promise<void> {
    const last = ring.last();
    const awaited = [...watches].filter(({ receipt, finalSent }) => receipt && !finalSent);
    // The tag may move between two blocks: while somebody waits for it, it is asked at each step.
    if (last === null || (awaited.length === 0 && askedAt === last)) return;
    // An error means "not yet", like a step back.
    const answered = await readFinalizedNumber(rpc, settings, last).catch((error: unknown) => {
      ports.onError(error);
      return null;
    });
    askedAt = last;
    if (answered !== null) finality.advance(Math.min(answered, last));
    const ruled = awaited.filter(({ receipt }) => receipt && receipt.blockNumber <= finality.number());
    for (const [blockNumber, states] of groupBy(ruled, ({ receipt }) => receipt?.blockNumber)) {
      if (blockNumber === undefined) continue;
      const hash = await readCanonicalHash(rpc, blockNumber);
      if (hash === null) continue;
      for (const state of states) {
        if (!state.receipt) continue;
        if (hash === state.receipt.blockHash) watches.final(state, state.receipt);
        else takeBack(state, state.receipt.txHash);
      }
    }
  }

  /** A nonce that was finally consumed without a receipt of ours needs its consumer found: one call a wallet. */
  async function comparePassedNonces(): Promise<void> {
    const at = Math.min(finality.number(), ring.last() ?? -1);
    const due = [...watches].filter((state) => state.attended && !state.receipt && state.comparedAt < at);
    for (const [wallet, states] of groupBy(due, ({ target }) => target.wallet)) {
      const count = await readTransactionCount(rpc, wallet, at);
      for (const state of states) {
        state.comparedAt = at;
        if (state.receipt || state.target.nonce >= count) continue;
        state.attended = false;
        watches.tell(state, { kind: 'nonce-passed', finalBlock: at });
      }
    }
  }

  /** Asks why nonces have waited for too long: two calls a wallet, every few blocks, however many of its nonces wait. */
  async function examineOverdue(): Promise<void> {
    const last = ring.last() ?? -1;
    const { stuckAfterBlocks } = settings;
    const overdue = [...watches].filter(({ receipt, waitingSince }) => !receipt && waitingSince !== null && last - waitingSince >= stuckAfterBlocks);
    for (const [wallet, states] of groupBy(overdue, ({ target }) => target.wallet)) {
      if (last - (examinedAt.get(wallet) ?? -Infinity) < Math.min(EXAMINE_EVERY_BLOCKS, stuckAfterBlocks)) continue;
      examinedAt.set(wallet, last);
      const counts = await readWalletCounts(rpc, wallet);
      for (const state of states) {
        const progress = judgeNonce(state.target.nonce, counts);
        if (state.receipt || progress === 'waiting' || last - state.toldAt < stuckAfterBlocks) continue;
        state.toldAt = last;
        watches.tell(state, { kind: progress });
      }
    }
  }

  async function remember(): Promise<void> {
    const blockNumber = ring.last();
    const blockHash = blockNumber === null ? undefined : ring.hashAt(blockNumber);
    if (!books || blockNumber === null || blockHash === undefined || blockHash === savedHash) return;
    await books.saveCursor({ blockNumber, blockHash });
    savedHash = blockHash;
  }

  /** The parts of a step fail apart: while one waits for its answer, the others go on from the same blocks. */
  async function step(): Promise<void> {
    const head = await readBlock(rpc, 'latest');
    if (!head) return;
    headNumber = head.number;
    for (const state of watches) state.waitingSince ??= head.number;
    await ports.onHead(head);
    const part = (work: () => Promise<void>) => work().catch(ports.onError);
    await part(recall);
    await part(() => follow(head));
    await part(reportUndone);
    if (head.number - (ring.last() ?? -Infinity) <= NEAR_HEAD_BLOCKS) await part(attend);
    await part(rule);
    await part(comparePassedNonces);
    await part(examineOverdue);
    await part(remember);
  }

  return {
    watch: (target) => watches.open(target, headNumber),
    async run(signal) {
      while (!signal.aborted) {
        await step().catch(ports.onError);
        await pause(settings.blockTimeMs / 4, signal);
      }
    },
  };
}

function behind(method: string, blockNumber: number): EngineError {
  return new EngineError('CHAIN_UNAVAILABLE', { method, reason: `block ${blockNumber} is not there, or not the same, at the node that was asked` });
}

function groupBy<Item, Key>(items: Iterable<Item>, keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
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
