import { createBlockReader } from './block-reader.ts';
import { createBlockRing } from './block-ring.ts';
import { createEarlierReceipts } from './earlier-receipts.ts';
import { createFinalityRuler } from './finality-ruler.ts';
import type { FollowerPorts } from './follower-ports.ts';
import { createOverdueExaminer } from './overdue-nonces.ts';
import { readBlock } from './read-block.ts';
import { createWatchList, type Watch, type WatchTarget } from './watch-list.ts';

export type { Cursor, FollowerBooks, FollowerPorts } from './follower-ports.ts';
export type { Inclusion, Watch, WatchEvent, WatchTarget } from './watch-list.ts';

export interface BlockFollower {
  /** Watches a nonce until closed. RPC calls per block do not grow with the number of watches. */
  watch(target: WatchTarget): Watch;
  /** Follows the chain until stopped. Errors of the chain are waited out. */
  run(signal: AbortSignal): Promise<void>;
}

/** Further from the head than this, what was mined before a watch began is not yet asked for: nodes forget old states. */
const NEAR_HEAD_BLOCKS = 16;

/** One follower serves all waiting withdrawals of one chain in one process. What waits costs nothing a block. */
export function createBlockFollower(ports: FollowerPorts): BlockFollower {
  const { rpc, settings, books } = ports;
  const watches = createWatchList();
  const ring = createBlockRing();
  const ruler = createFinalityRuler(ports, ring, watches);
  const reader = createBlockReader(ports, ring, watches, ruler.fork);
  const earlier = createEarlierReceipts(ports, reader, ring, watches);
  const examineOverdue = createOverdueExaminer(ports, ring, watches);
  let savedHash: string | null = null;

  async function saveCursor(): Promise<void> {
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
    watches.headIs(head.number);
    await ports.onHead(head);
    const part = (work: () => Promise<void>) => work().catch(ports.onError);
    await part(earlier.recall);
    await part(() => reader.readTo(head));
    await part(ruler.reportUndone);
    if (head.number - (ring.last() ?? -Infinity) <= NEAR_HEAD_BLOCKS) await part(earlier.find);
    await part(ruler.rule);
    await part(ruler.comparePassedNonces);
    await part(examineOverdue);
    await part(saveCursor);
  }

  return {
    watch: (target) => watches.open(target),
    async run(signal) {
      while (!signal.aborted) {
        await step().catch(ports.onError);
        await pause(settings.blockTimeMs / 4, signal);
      }
    },
  };
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
