import { behind, type BlockReader } from './block-reader.ts';
import type { BlockRing } from './block-ring.ts';
import { readTransactionCount } from './blocks.ts';
import type { FollowerPorts } from './follower-ports.ts';
import { groupBy } from './group-by.ts';
import { readReceipt } from './receipts.ts';
import type { WatchList, WatchState, WatchTarget } from './watch-list.ts';

/** At most this far below the last block read, where a node without old states still answers. */
const BELOW_MAX = 16;

export interface EarlierReceipts {
  /** Asks the books what earlier watches said of the newly watched: they may have to be told that it no longer holds. */
  recall: () => Promise<void>;
  /**
   * Finds what was mined before its watch began. What the remembered blocks hold is read by block. Of the others, a nonce the
   * chain had not counted at a remembered block is in no block up to there, nor in the remembered ones above, and the later
   * ones are read anyway: one call a wallet. Only a nonce that is used and in no remembered block is looked up by its hashes.
   */
  find: () => Promise<void>;
}

export function createEarlierReceipts(ports: Pick<FollowerPorts, 'rpc' | 'settings' | 'books'>, reader: BlockReader, ring: BlockRing, watches: WatchList): EarlierReceipts {
  const { rpc, settings, books } = ports;
  const blockHolding = (target: WatchTarget) => target.hashes.map((hash) => ring.blockOf(hash)).find((number) => number !== undefined);

  async function readByBlock(fresh: readonly WatchState[]): Promise<void> {
    for (const [blockNumber, held] of groupBy(fresh, ({ target }) => blockHolding(target))) {
      const blockHash = blockNumber === undefined ? undefined : ring.hashAt(blockNumber);
      if (blockNumber === undefined || blockHash === undefined) continue;
      const transactions = held.flatMap(({ target }) => target.hashes).filter((hash) => ring.blockOf(hash) === blockNumber);
      for (const receipt of await reader.receiptsIn(blockNumber, blockHash, transactions)) watches.mined(receipt);
    }
  }

  async function askByWallet(elsewhere: readonly WatchState[], last: number): Promise<void> {
    // A little below, where an endpoint that lags by as much as it may has the block too.
    const margin = Math.min(settings.endpoints.lagBlocksMax, BELOW_MAX);
    const at = Math.max(0, last - margin, (ring.first() ?? last + 1) - 1);
    for (const [wallet, states] of groupBy(elsewhere, ({ target }) => target.wallet)) {
      const count = await readTransactionCount(rpc, wallet, at);
      for (const state of states) {
        if (state.target.nonce < count) await lookUp(state, last);
        else notMined(state, at, last);
      }
    }
  }

  function notMined(state: WatchState, at: number, last: number): void {
    const before = state.seenBefore;
    // Above the last block read another monitor may have seen what is still to come here.
    if (before && before.blockNumber <= last) watches.unmined(state, before.txHash);
    state.attended = true;
    state.comparedAt = Math.max(state.comparedAt, at);
  }

  async function lookUp(state: WatchState, last: number): Promise<void> {
    for (const hash of state.target.hashes) {
      const receipt = await readReceipt(rpc, hash);
      if (!receipt || receipt.blockNumber > last) continue;
      const known = ring.hashAt(receipt.blockNumber);
      if (known !== undefined && known !== receipt.blockHash) throw behind('eth_getTransactionReceipt', receipt.blockNumber);
      watches.mined(receipt);
    }
    state.attended = true;
  }

  return {
    async recall() {
      const fresh = [...watches].filter(({ seenBefore }) => seenBefore === undefined);
      if (!books || fresh.length === 0) return;
      const inclusions = new Map((await books.inclusionsOf(fresh.flatMap(({ target }) => target.hashes))).map((inclusion) => [inclusion.txHash, inclusion]));
      for (const state of fresh) state.seenBefore = state.target.hashes.map((hash) => inclusions.get(hash)).find((inclusion) => inclusion !== undefined) ?? null;
    },
    async find() {
      const last = ring.last();
      if (last === null) return;
      const fresh = [...watches].filter(({ attended, seenBefore }) => !attended && (!books || seenBefore !== undefined));
      await readByBlock(fresh);
      await askByWallet(fresh.filter(({ attended }) => !attended), last);
    },
  };
}
