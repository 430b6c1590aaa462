import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** A hot wallet that may be bound to a withdrawal, as far as the books know it without asking the chain. */
export interface WalletCandidate {
  address: string;
  /** nonces it holds unmined, and withdrawals that will take one */
  windowUsed: number;
  /** it held enough for this payment when it was last seen; true where nobody has looked yet */
  seemsFunded: boolean;
  /** a person was called because its gas runs out */
  gasRunsOut: boolean;
}

/**
 * Wallets in the order in which a withdrawal tries them; whether one can really pay is decided where its row is held.
 *
 * First those that seem funded; of these those with a free place in the window; of these those whose gas lasts. The rest is
 * by room, in quarters of a window, and within a quarter by lot: withdrawals that choose at the same moment see the same
 * numbers, and would all take the one wallet that is a single payment emptier. Full wallets stand in the order of their queues.
 */
export function orderWallets<T extends WalletCandidate>(candidates: readonly T[], requestId: string, windowSize: number): T[] {
  const ranked = candidates.map((candidate) => ({ candidate, rank: rankOf(candidate, requestId, windowSize) }));
  return ranked.toSorted((left, right) => compareRanks(left.rank, right.rank)).map(({ candidate }) => candidate);
}

type Rank = readonly (number | string)[];

function rankOf({ address, windowUsed, seemsFunded, gasRunsOut }: WalletCandidate, requestId: string, windowSize: number): Rank {
  const free = Math.max(0, windowSize - windowUsed);
  const lot = bytesToHex(sha256(utf8ToBytes(`${requestId} ${address.toLowerCase()}`)).subarray(0, 8));
  return [seemsFunded ? 0 : 1, free > 0 ? 0 : 1, gasRunsOut ? 1 : 0, -Math.ceil((4 * free) / windowSize), free > 0 ? 0 : windowUsed, lot];
}

/** By the first place in which they differ. Each place holds one kind of value. */
function compareRanks(left: Rank, right: Rank): number {
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? value;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}
