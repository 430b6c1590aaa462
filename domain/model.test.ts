import { assert, check, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommitView, SignedAttempt } from './attempts.ts';
import { attemptsOn, countAt, heal, movesArbitrary, newWorld, play, REQUESTS, RULES, type Move, type Rules, type World } from './model.testkit.ts';
import { isEnd, outcomeOf } from './status.ts';

const RUNS = 3_000;
const MOVES_MAX = 120;

/** What must hold after every step, whatever happened. @returns the first thing that does not */
function findFault(world: World): string | null {
  const [fault] = world.faults;
  if (fault) return fault;
  const chain = world.blocks.flat();
  const final = world.blocks.slice(0, world.finalHeight).flat();

  for (const name of REQUESTS) {
    const row = world.requests[name];
    const attempts = world.attempts.filter((attempt) => attempt.request === name);
    const payments = chain.filter((mined) => mined.request === name && mined.purpose === 'PAY' && !mined.reverted);
    // Invariant 1.
    if (payments.length > 1) return `${name} is paid ${payments.length} times`;

    // Invariant 4: an older nonce was finally consumed by something that did not pay.
    const used = [...new Set(attempts.map(({ nonce }) => nonce))];
    const consumedUnpaid = (nonce: number) => final.some((mined) => mined.wallet === row.wallet && mined.nonce === nonce && !(mined.request === name && mined.purpose === 'PAY' && !mined.reverted));
    const open = used.filter((nonce) => !consumedUnpaid(nonce));
    if (open.length > 1) return `${name} may be paid on the nonces ${open.join(' and ')}`;

    // Invariant 6: each reservation ends once.
    if (row.timesReleased > 1) return `the funds of ${name} were released ${row.timesReleased} times`;
    if (isEnd(row.status) && row.funds === 'HELD') return `${name} has ended and holds funds`;

    // An end says the truth, and its truth cannot change any more.
    const paidFinally = final.some((mined) => mined.request === name && mined.purpose === 'PAY' && !mined.reverted);
    const mayPay = attempts.some((attempt) => attempt.purpose === 'PAY' && !consumedUnpaid(attempt.nonce));
    const outcome = outcomeOf(row.status, row.hasLivePayment);
    if (outcome === 'PAID' && !paidFinally) return `${name} is called paid and is not`;
    if ((outcome === 'NOT_PAID' || outcome === 'NOT_SENT') && mayPay) return `${name} is called ${outcome} and may be paid`;
  }

  for (const [walletIndex, nonces] of world.nonces.entries()) {
    const holders = [...nonces.rows.values()].flatMap(({ holder }) => (holder === null ? [] : [holder]));
    if (new Set(holders).size !== holders.length) return 'a request holds two nonces';
    for (const [nonce, row] of nonces.rows) {
      const on = attemptsOn(world, walletIndex, nonce);
      // Invariant 2.
      if (new Set(on.map((attempt) => attempt.request)).size > 1) return `two requests have bytes on nonce ${nonce}`;
      if (row.state === 'FREED' && on.length > 0) return `nonce ${nonce} was freed with bytes on it`;
      if (on.some(({ ordinal }, index) => ordinal !== index)) return `an attempt on nonce ${nonce} is missing or double`;
      for (const [index, attempt] of on.slice(1).entries()) {
        const previous = on[index];
        if (previous && (attempt.fees.maxFeePerGas * 10n < previous.fees.maxFeePerGas * 11n || attempt.fees.maxPriorityFeePerGas * 10n < previous.fees.maxPriorityFeePerGas * 11n)) return `no node would take the replacement on nonce ${nonce}`;
      }
    }
  }

  // Invariant 3.
  const committed = new Set(world.attempts.map(({ hash }) => hash));
  if ([...world.pool].some((hash) => !committed.has(hash))) return 'something was sent that was never committed';
  const { available, reserved, paid } = world.money;
  if (available + reserved + paid !== REQUESTS.length || available < 0 || reserved < 0) return 'money appeared or vanished';
  return null;
}

function run(moves: readonly Move[], rules: Rules = RULES): World {
  const world = newWorld(rules);
  const ends = new Map<string, string>();
  for (const move of moves) {
    play(world, move);
    const fault = findFault(world);
    if (fault !== null) throw new Error(fault);
    for (const name of REQUESTS) {
      const { status } = world.requests[name];
      const end = ends.get(name);
      if (end !== undefined && end !== status) throw new Error(`${name} left its end ${end}`);
      if (isEnd(status)) ends.set(name, status);
    }
  }
  return world;
}

describe('random interleavings of withdrawals, signers, broadcasters, cancellations and the chain', () => {
  const seen = new Map<string, number>();

  it('pay nobody twice, free and release nothing twice, and leave no end', () => {
    assert(
      property(movesArbitrary(MOVES_MAX), (moves) => {
        const world = run(moves);
        expect(findFault(world)).toBeNull();
        for (const what of world.seen) seen.set(what, (seen.get(what) ?? 0) + 1);
      }),
      { numRuns: RUNS },
    );
  });

  it.each([
    'paid', 'unpaid', 'voided', 'nonce-lost', 'COMPLETED', 'FAILED', 'CANCELLED', 'DEAD_LETTERED', 'freed', 'second nonce', 'window full', 'held at the ceiling', 'an older attempt won', 'unconfirmed by reorg',
    'replaced by PAY', 'replaced by VOID', 'commit', 'repeat', 'cancelled', 'refused: ended', 'refused: nonce-taken-back',
    'sent: confirm', 'sent: bump', 'sent: try-later', 'sent: pause-wallet', 'sent: refused',
  ])('have come across "%s"', (what) => {
    expect(seen.get(what) ?? 0).toBeGreaterThan(0);
  });

  it('come to rest once faults heal: everything has ended, no nonce is missing, all money is accounted for', () => {
    assert(
      property(movesArbitrary(MOVES_MAX), (moves) => {
        const world = run(moves);
        expect(heal(world)).toBe(true);
        expect(findFault(world)).toBeNull();
        expect(world.money.reserved).toBe(0);
        expect(world.money.paid).toBe(REQUESTS.filter((name) => world.requests[name].status === 'COMPLETED').length);
        for (const [walletIndex, nonces] of world.nonces.entries()) expect(countAt(world, walletIndex, world.finalHeight)).toBeGreaterThanOrEqual(nonces.next);
      }),
      { numRuns: 500 },
    );
  });
});

/** How far a history shrinks depends on the one it was found in: the same one each time. */
const SEED = 1;

describe('the model notices a rule that is broken', () => {
  const real = RULES;
  /** The reservation as the signer remembers it. */
  const asSigned = (view: CommitView, attempt: SignedAttempt): CommitView['reservation'] => ({ id: attempt.reservationId, generation: attempt.generation, state: view.reservation?.state ?? 'RESERVED' });
  const BROKEN: [string, Partial<Rules>][] = [
    ['a send that timed out takes a new nonce', { afterSend: (end) => (end.kind === 'try-later' && end.because === 'unknown' ? 'take-another' : 'keep-nonce') }],
    ['a refused send takes a new nonce', { afterSend: (end) => (end.kind === 'refused' ? 'take-another' : 'keep-nonce') }],
    ['a request that holds a nonce is given the next', { decideNonce: (view) => ({ nonce: view.next, source: 'next' }) }],
    ['a nonce with bytes may be freed', { mayFree: ({ state }) => state === 'RESERVED' || state === 'SIGNED' }],
    ['a nonce is ruled on before it is final', { rulesAt: ({ height }) => height }],
    ['an old ruling is booked on a newer nonce', { speaksOf: () => true }],
    ['a signer commits on a nonce that was taken back', { mayCommit: (view, attempt) => real.mayCommit({ ...view, reservation: asSigned(view, attempt) }, attempt) }],
    ['a payment is committed after a wish to cancel', { mayCommit: (view, attempt) => real.mayCommit({ ...view, cancelIntended: false }, attempt) }],
    ['a late payment is put on top of what voids its nonce', { mayCommit: (view, attempt) => real.mayCommit(view.reservation ? { ...view, reservation: { ...view.reservation, state: 'SIGNED' } } : view, { ...attempt, ordinal: (view.newest?.ordinal ?? -1) + 1 }) }],
    ['bytes are committed after an end', { mayCommit: (view, attempt) => real.mayCommit({ ...view, ended: false, reservation: view.reservation ?? asSigned(view, attempt) }, attempt) }],
    ['a broadcaster that slept reopens what has ended', { canFollow: (from, to) => real.canFollow(from, to) || (isEnd(from) && to === 'BROADCASTED') }],
    ['a replacement is hardly dearer', { bumpFees: (previous) => ({ maxFeePerGas: previous.maxFeePerGas + 1n, maxPriorityFeePerGas: previous.maxPriorityFeePerGas + 1n }) }],
  ];

  it.each(BROKEN)('%s', (_name, broken) => {
    const result = check(
      property(movesArbitrary(MOVES_MAX), (moves) => {
        run(moves, { ...RULES, ...broken });
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(result.failed).toBe(true);
    const [shortest = []] = result.counterexample ?? [];
    // Shrunk to what a person can read.
    expect(shortest.length).toBeLessThanOrEqual(10);
  });
});
