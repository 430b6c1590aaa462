import type { NonceRow } from './guardian.ts';

/**
 * Nonces from `latest` up to `next` that nobody holds: freed, taken by a stranger the chain does not show any more, or without a
 * row. One the books saw consumed is none, though a count that was read a moment earlier does not show it yet.
 */
export function gapsOf(rows: readonly NonceRow[], latest: number, next: number): number[] {
  const used = new Set(rows.filter(({ holder, state }) => holder !== null || state === 'CONSUMED').map(({ nonce }) => nonce));
  const gaps: number[] = [];
  for (let nonce = latest; nonce < next; nonce += 1) if (!used.has(nonce)) gaps.push(nonce);
  return gaps;
}
