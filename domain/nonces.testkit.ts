import { array, constantFrom, integer, oneof, record, type Arbitrary } from 'fast-check';
import { mayFree } from './attempts.ts';
import { decideNonce } from './nonces.ts';
import type { NonceState } from './status.ts';

/** Moves of several withdrawals, of the chain and of a stranger on one wallet. */
export type NonceMove =
  | { kind: 'reserve'; request: string }
  | { kind: 'free'; request: string }
  /** bytes are committed on the request's nonce */
  | { kind: 'sign'; request: string }
  /** the chain includes the wallet's lowest unmined nonce, if one of ours holds it with bytes, and it is settled */
  | { kind: 'consume' }
  /** a transaction the engine never signed takes the wallet's next nonce on chain */
  | { kind: 'foreign' };

export interface ModelRow {
  state: NonceState;
  holder: string | null;
  generation: number;
}

/** What the nonce rules demand, in memory and in plain words: the yardstick for random histories. */
export interface NonceModel {
  /** transactions the chain has counted */
  chainNonce: number;
  next: number;
  rows: Map<number, ModelRow>;
  /** who had bytes on which nonce */
  signers: Map<number, Set<string>>;
}

export const REQUESTS = ['a', 'b', 'c', 'd', 'e'] as const;

const request = constantFrom(...REQUESTS);
const move: Arbitrary<NonceMove> = oneof(
  { weight: 5, arbitrary: record({ kind: constantFrom('reserve' as const), request }) },
  { weight: 2, arbitrary: record({ kind: constantFrom('free' as const), request }) },
  { weight: 3, arbitrary: record({ kind: constantFrom('sign' as const), request }) },
  { weight: 3, arbitrary: record({ kind: constantFrom('consume' as const) }) },
  { weight: 1, arbitrary: record({ kind: constantFrom('foreign' as const) }) },
);

/** Random histories, starting on a wallet that may have been used before. */
export const historyArbitrary = (movesMax: number): Arbitrary<{ start: number; window: number; moves: NonceMove[] }> =>
  record({ start: integer({ min: 0, max: 3 }), window: integer({ min: 1, max: 6 }), moves: array(move, { minLength: 1, maxLength: movesMax }) });

export const newModel = (start: number): NonceModel => ({ chainNonce: start, next: start, rows: new Map(), signers: new Map() });

export function nonceOf(model: NonceModel, holder: string): number | null {
  const held = [...model.rows].find(([, row]) => row.holder === holder);
  return held?.[0] ?? null;
}

/** Gives the request its nonce; null when the window is full. */
export function reserve(model: NonceModel, holder: string, window: number, decide = decideNonce): number | null {
  passOver(model);
  const own = nonceOf(model, holder);
  const freed = [...model.rows].filter(([, row]) => row.state === 'FREED').map(([nonce]) => nonce);
  const unmined = [...model.rows].filter(([nonce, row]) => nonce >= model.chainNonce && row.holder !== null).length;
  if (own === null && unmined >= window) return null;
  const decision = decide({ own, lowestFreed: freed.length === 0 ? null : Math.min(...freed), next: model.next });
  if (decision.source !== 'own') {
    model.rows.set(decision.nonce, { state: 'RESERVED', holder, generation: (model.rows.get(decision.nonce)?.generation ?? 0) + 1 });
    model.next = Math.max(model.next, decision.nonce + 1);
  }
  return decision.nonce;
}

/** What the chain counted without bytes of ours is a stranger's. */
function passOver(model: NonceModel): void {
  for (const [nonce, row] of model.rows) {
    if (nonce < model.chainNonce && (row.state === 'RESERVED' || row.state === 'FREED')) model.rows.set(nonce, { ...row, state: 'FOREIGN', holder: null });
  }
  for (; model.next < model.chainNonce; model.next += 1) model.rows.set(model.next, { state: 'FOREIGN', holder: null, generation: 0 });
}

/** Frees the request's nonce when no bytes are on it. @returns the nonce, or null when it stays */
export function free(model: NonceModel, holder: string, may = mayFree): number | null {
  const nonce = nonceOf(model, holder);
  const row = nonce === null ? undefined : model.rows.get(nonce);
  if (nonce === null || !row || !may({ state: row.state, attempts: model.signers.get(nonce)?.size ?? 0 })) return null;
  model.rows.set(nonce, { ...row, state: 'FREED', holder: null });
  return nonce;
}

/** Commits bytes on the request's nonce. @returns the nonce, or null when it holds none without bytes */
export function sign(model: NonceModel, holder: string): number | null {
  const nonce = change(model, holder, ['RESERVED'], (row) => ({ ...row, state: 'SIGNED' }));
  if (nonce !== null) model.signers.set(nonce, (model.signers.get(nonce) ?? new Set()).add(holder));
  return nonce;
}

/** The lowest unmined nonce is mined and settled, where one of ours has bytes on it. @returns its holder */
export function consume(model: NonceModel): string | null {
  const row = model.rows.get(model.chainNonce);
  if (row?.state !== 'SIGNED') return null;
  model.rows.set(model.chainNonce, { ...row, state: 'CONSUMED', holder: null });
  model.chainNonce += 1;
  return row.holder;
}

/** A stranger takes the next nonce. @returns the holder of bytes that lost it, if any */
export function foreign(model: NonceModel): string | null {
  const row = model.rows.get(model.chainNonce);
  const loser = row?.state === 'SIGNED' ? row.holder : null;
  if (row && loser !== null) model.rows.set(model.chainNonce, { ...row, state: 'FOREIGN', holder: null });
  model.chainNonce += 1;
  return loser;
}

function change(model: NonceModel, holder: string, states: readonly NonceState[], to: (row: ModelRow) => ModelRow): number | null {
  const nonce = nonceOf(model, holder);
  const row = nonce === null ? undefined : model.rows.get(nonce);
  if (nonce === null || !row || !states.includes(row.state)) return null;
  model.rows.set(nonce, to(row));
  return nonce;
}
