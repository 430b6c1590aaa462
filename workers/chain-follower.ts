import { createBlockFollower, type BlockFollower } from '../activities/chain/block-follower.ts';
import { haltAllUndoneFinality } from '../activities/halt-undone-finality.ts';
import { publishHead } from '../activities/publish-head.ts';
import { advanceCursor, getCursor } from '../db/repositories/payments/chain-cursors.ts';
import { listInclusions } from '../db/repositories/payments/final-transactions.ts';
import type { Ports } from './ports.ts';

/** A monitor's follower with what it keeps in MySQL and Redis. */
export function createChainFollower(ports: Pick<Ports, 'db' | 'redis' | 'rpc' | 'settings' | 'log'>): BlockFollower {
  const { db, rpc, log } = ports;
  const { chain } = ports.settings;
  return createBlockFollower({
    rpc,
    settings: chain,
    onHead: (head) => publishHead(ports, head),
    onError: (error) => log.warn({ error }, 'the chain could not be followed: waiting'),
    books: {
      loadCursor: () => getCursor(db, chain.chainId),
      saveCursor: (cursor) => advanceCursor(db, chain.chainId, cursor),
      inclusionsOf: (txHashes) => listInclusions(db, chain.chainId, txHashes),
      finalityUndone: async (fromBlock) => {
        log.warn({ chainId: chain.chainId, fromBlock }, 'final blocks may have left the chain: looking for transactions of ours');
        await haltAllUndoneFinality(ports, chain.chainId);
      },
    },
  });
}
