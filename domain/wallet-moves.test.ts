import { expect, it } from 'vitest';
import { WALLET_STATUSES } from './status.ts';
import { mayMove, WALLET_MOVES, type WalletMove } from './wallet-moves.ts';

/** How much stands still, the strictest last. */
const STRICTNESS = ['ACTIVE', 'DRAINING', 'PAUSED', 'HALTED'] as const;

it('no move but resume weakens a stop, and each may be said twice', () => {
  expect([...STRICTNESS].toSorted()).toEqual([...WALLET_STATUSES].toSorted());
  for (const move of Object.keys(WALLET_MOVES) as WalletMove[]) {
    const { to } = WALLET_MOVES[move];
    expect(mayMove(move, to)).toBe(true);
    for (const status of WALLET_STATUSES) {
      const weakens = STRICTNESS.indexOf(to) < STRICTNESS.indexOf(status);
      expect(mayMove(move, status)).toBe(move === 'resume' || !weakens);
    }
  }
});
