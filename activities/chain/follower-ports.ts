import type { ChainSettings } from '../../domain/settings.ts';
import type { BlockHeader, Hash } from './blocks.ts';
import type { Rpc } from './rpc.ts';
import type { Inclusion } from './watch-list.ts';

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
