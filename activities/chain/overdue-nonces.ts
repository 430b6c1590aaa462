import type { BlockRing } from './block-ring.ts';
import type { FollowerPorts } from './follower-ports.ts';
import { groupBy } from './group-by.ts';
import { judgeNonce, readWalletCounts } from './nonce-progress.ts';
import type { WatchList } from './watch-list.ts';

/** While a nonce is overdue its wallet is looked at this often: soon enough to see that bytes sent again have arrived. */
const EXAMINE_EVERY_BLOCKS = 3;

/** Asks why nonces have waited for too long: two calls a wallet, every few blocks, however many of its nonces wait. */
export function createOverdueExaminer({ rpc, settings }: Pick<FollowerPorts, 'rpc' | 'settings'>, ring: BlockRing, watches: WatchList): () => Promise<void> {
  const { stuckAfterBlocks } = settings;
  /** the block at which each wallet was last looked at */
  const examinedAt = new Map<string, number>();

  return async () => {
    const last = ring.last() ?? -1;
    const overdue = [...watches].filter(({ receipt, waitingSince }) => !receipt && waitingSince !== null && last - waitingSince >= stuckAfterBlocks);
    for (const [wallet, states] of groupBy(overdue, ({ target }) => target.wallet)) {
      const examined = examinedAt.get(wallet);
      if (examined !== undefined && last - examined < Math.min(EXAMINE_EVERY_BLOCKS, stuckAfterBlocks)) continue;
      const counts = await readWalletCounts(rpc, wallet);
      examinedAt.set(wallet, last);
      for (const state of states) {
        const progress = judgeNonce(state.target.nonce, counts);
        if (state.receipt || progress === 'waiting' || last - state.toldAt < stuckAfterBlocks) continue;
        state.toldAt = last;
        watches.tell(state, { kind: progress });
      }
    }
  };
}
