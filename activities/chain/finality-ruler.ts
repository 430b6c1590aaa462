import type { BlockRing } from './block-ring.ts';
import { readFinalizedNumber, readTransactionCount } from './blocks.ts';
import { readCanonicalHash } from './canonical-hash.ts';
import { createFinalPoint } from './final-point.ts';
import type { FollowerPorts } from './follower-ports.ts';
import { groupBy } from './group-by.ts';
import { readFinalReceipt } from './receipts.ts';
import type { WatchList } from './watch-list.ts';

export interface FinalityRuler {
  /**
   * Says what has become final, of blocks that were read: of a higher one nobody knows here whether its parents fit. A
   * receipt's block is compared again at this moment, so a ruling never rests on what an earlier step believed.
   */
  rule: () => Promise<void>;
  /** A nonce that was finally consumed without a receipt of ours needs its consumer found: one call a wallet. */
  comparePassedNonces: () => Promise<void>;
  /** Blocks above `kept` left the chain. */
  fork: (kept: number) => void;
  /** Tells the books of final blocks that left the chain, until they have acted on it. */
  reportUndone: () => Promise<void>;
}

export function createFinalityRuler(ports: Pick<FollowerPorts, 'rpc' | 'settings' | 'books' | 'onError'>, ring: BlockRing, watches: WatchList): FinalityRuler {
  const { rpc, settings, books } = ports;
  const finality = createFinalPoint();
  /** the last block read when finality was last asked for */
  let askedAt: number | null = null;
  /** the lowest final block that may be gone, until the books were told */
  let undoneFrom: number | null = null;

  async function advance(last: number): Promise<void> {
    // An error means "not yet", like a step back.
    const answered = await readFinalizedNumber(rpc, settings, last).catch((error: unknown) => {
      ports.onError(error);
      return null;
    });
    askedAt = last;
    if (answered !== null) finality.advance(Math.min(answered, last));
  }

  return {
    async rule() {
      const last = ring.last();
      const awaited = [...watches].filter(({ receipt, finalSent }) => receipt && !finalSent);
      // The tag may move between two blocks: while somebody waits for it, it is asked at each step.
      if (last === null || (awaited.length === 0 && askedAt === last)) return;
      await advance(last);
      const ruled = awaited.filter(({ receipt }) => receipt && receipt.blockNumber <= finality.number());
      for (const [blockNumber, states] of groupBy(ruled, ({ receipt }) => receipt?.blockNumber)) {
        if (blockNumber === undefined) continue;
        const hash = await readCanonicalHash(rpc, blockNumber);
        if (hash === null) continue;
        for (const state of states) {
          if (!state.receipt) continue;
          if (hash !== state.receipt.blockHash) {
            watches.unmined(state, state.receipt.txHash);
            continue;
          }
          // What the payment is judged by is no single endpoint's word where two are there.
          const receipt = rpc.compares ? await readFinalReceipt(rpc, state.receipt.txHash) : state.receipt;
          if (receipt?.blockHash === hash) watches.final(state, receipt);
        }
      }
    },
    async comparePassedNonces() {
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
    },
    fork(kept) {
      // The first fork a process knows of may have undone what an earlier one called final.
      if (finality.undoAbove(kept) || askedAt === null) undoneFrom = Math.min(undoneFrom ?? Infinity, kept + 1);
      for (const state of watches) {
        state.comparedAt = Math.min(state.comparedAt, kept);
        if (state.receipt && state.receipt.blockNumber > kept) watches.unmined(state, state.receipt.txHash);
      }
    },
    async reportUndone() {
      const reported = undoneFrom;
      if (reported === null) return;
      await books?.finalityUndone(reported);
      if (undoneFrom === reported) undoneFrom = null;
    },
  };
}
