import { assert, integer, option, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideNonce } from './nonces.ts';
import { consume, foreign, free, historyArbitrary, newModel, nonceOf, REQUESTS, reserve, sign, type NonceModel, type NonceMove } from './nonces.testkit.ts';

describe('decideNonce', () => {
  it.each([
    [{ own: 4, lowestFreed: 2, next: 9 }, { nonce: 4, source: 'own' }],
    [{ own: 0, lowestFreed: null, next: 9 }, { nonce: 0, source: 'own' }],
    [{ own: null, lowestFreed: 2, next: 9 }, { nonce: 2, source: 'freed' }],
    [{ own: null, lowestFreed: 0, next: 9 }, { nonce: 0, source: 'freed' }],
    [{ own: null, lowestFreed: null, next: 9 }, { nonce: 9, source: 'next' }],
    [{ own: null, lowestFreed: null, next: 0 }, { nonce: 0, source: 'next' }],
  ])('%o → %o', (view, decision) => {
    expect(decideNonce(view)).toEqual(decision);
  });

  it('never decides a nonce that the view does not name', () => {
    const nonce = integer({ min: 0, max: 1_000 });
    assert(
      property(record({ own: option(nonce), lowestFreed: option(nonce), next: nonce }), (view) => {
        const decision = decideNonce(view);
        const named = { own: view.own, freed: view.lowestFreed, next: view.next };
        expect(decision.nonce).toBe(named[decision.source]);
      }),
    );
  });
});

describe('random histories by the rules', () => {
  it('give no nonce twice, leave no gap and keep a request its nonce', () => {
    assert(
      property(historyArbitrary(80), ({ start, window, moves }) => {
        const model = newModel(start);
        for (const move of moves) {
          play(model, move, window);
          expectSound(model, start);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('come to rest without a gap: once every withdrawal has signed, the chain mines every nonce ever given', () => {
    assert(
      property(historyArbitrary(60), ({ start, window, moves }) => {
        const model = newModel(start);
        for (const move of moves) play(model, move, window);
        for (const request of REQUESTS) {
          reserve(model, request, Number.MAX_SAFE_INTEGER);
          sign(model, request);
        }
        while (consume(model) !== null);
        expect(model.chainNonce).toBe(model.next);
      }),
      { numRuns: 500 },
    );
  });
});

/** Makes one move, and checks what a withdrawal was given. */
function play(model: NonceModel, move: NonceMove, window: number): void {
  switch (move.kind) {
    case 'reserve':
      playReserve(model, move.request, window);
      return;
    case 'free':
      free(model, move.request);
      return;
    case 'sign':
      sign(model, move.request);
      return;
    case 'consume':
      consume(model);
      return;
    case 'foreign':
      foreign(model);
      return;
    default:
      move satisfies never;
  }
}

function playReserve(model: NonceModel, request: string, window: number): void {
  const own = nonceOf(model, request);
  // A nonce without bytes that the chain has counted meanwhile is a stranger's now; any other stays the request's.
  const kept = own !== null && (own >= model.chainNonce || model.rows.get(own)?.state !== 'RESERVED');
  const given = reserve(model, request, window);
  expect({ kept, given }).toEqual({ kept, given: kept ? own : given });
  // Nothing is given that the chain has counted already, but bytes signed too late keep their nonce until it is finally lost.
  expect(given === null || kept || given >= model.chainNonce).toBe(true);
}

function expectSound(model: NonceModel, start: number): void {
  const given = [...model.rows.keys()].toSorted((left, right) => left - right);
  expect(given).toEqual(Array.from({ length: model.next - start }, (_, index) => start + index));
  const holders = [...model.rows.values()].flatMap(({ holder }) => (holder === null ? [] : [holder]));
  expect(new Set(holders).size).toBe(holders.length);
  // Bytes of two requests on one nonce would pay one of them by chance.
  expect([...model.signers.values()].filter((signers) => signers.size > 1)).toEqual([]);
}
