import { array, assert, bigInt, boolean, constantFrom, integer, option, property, record, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AHEAD_MAX, EXAMINED_MAX, fillerIdOf, FILLS_MAX, guardianIdOf, isFillerId, judge, NOTHING_SEEN, unexplained, type FillerView, type GuardianLimits, type GuardianMemory, type Judgement, type NonceRow, type Stranger, type WalletView } from './guardian.ts';
import { NONCE_STATES, WALLET_STATUSES } from './status.ts';

const WALLET = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const LIMITS: GuardianLimits = { gasLowWei: 100n, headOfLineBlocks: 20, stuckAfterBlocks: 10 };

const row = (nonce: number, state: NonceRow['state'], more: Partial<NonceRow> = {}): NonceRow => ({
  nonce,
  state,
  holder: ['RESERVED', 'SIGNED', 'VOIDING'].includes(state) ? `tx-${nonce}` : null,
  hasBytes: ['SIGNED', 'VOIDING', 'CONSUMED'].includes(state),
  proven: false,
  ...more,
});
const viewOf = (more: Partial<WalletView> = {}): WalletView => ({
  status: 'ACTIVE',
  pausedForGas: false,
  block: 100,
  latest: 0,
  pending: 0,
  nativeWei: 1_000n,
  promisedWei: 0n,
  next: 0,
  rows: [],
  strangers: [],
  fillers: [],
  frontCounter: null,
  undone: [],
  ...more,
});
const consumer = (more: Partial<NonNullable<Stranger['consumer']>> = {}) => ({ txHash: '0xf0', blockNumber: 90, ours: false, movesValue: false, to: WALLET, valueWei: 0n, ...more });
const filler = (nonce: number, more: Partial<FillerView> = {}): FillerView => ({ requestId: fillerIdOf(80_002, WALLET, nonce), nonce, attempts: [], receipt: null, known: false, ...more });
const attempt = (ordinal: number, status: 'SIGNED' | 'BROADCASTED' = 'BROADCASTED') => ({ ordinal, txHash: `0xa${ordinal}`, status });

function judged(view: Partial<WalletView>, memory: Partial<GuardianMemory> = {}): Judgement {
  const judgement = judge(viewOf(view), { ...NOTHING_SEEN, ...memory }, LIMITS);
  if (!judgement) throw new Error('nothing was judged');
  return judgement;
}

describe('names', () => {
  it('of fillers fit a request id column and cannot be taken for a withdrawal', () => {
    const longest = fillerIdOf(2_147_483_647, WALLET, 999_999);
    expect(longest.length).toBeLessThanOrEqual(64);
    expect(isFillerId(longest)).toBe(true);
    expect(isFillerId('tx-1700000000000-00112233445566778899')).toBe(false);
  });

  it('of guardians do not depend on the spelling of the address', () => {
    expect(guardianIdOf(137, WALLET)).toBe(guardianIdOf(137, WALLET.toLowerCase()));
  });
});

describe('gaps', () => {
  it('are freed, missing, and reopened nonces with signed bytes behind them', () => {
    const rows = [row(5, 'FREED'), row(6, 'SIGNED'), row(8, 'FOREIGN'), row(9, 'RESERVED'), row(10, 'SIGNED'), row(11, 'FREED')];
    expect(judged({ latest: 5, next: 12, rows }).fill).toEqual([5, 7, 8]);
  });

  it('are left alone while only reservations without bytes wait: the next withdrawal takes the lowest freed nonce', () => {
    expect(judged({ next: 3, rows: [row(0, 'FREED'), row(1, 'RESERVED'), row(2, 'FREED')] }).fill).toEqual([]);
  });

  it('below the chain’s count are none', () => {
    expect(judged({ latest: 2, next: 4, rows: [row(0, 'FOREIGN', { proven: true }), row(3, 'SIGNED')] }).fill).toEqual([2]);
  });

  it('of a paused wallet are filled, of a halted one not', () => {
    const rows = [row(0, 'FREED'), row(1, 'SIGNED')];
    expect(judged({ status: 'PAUSED', next: 2, rows }).fill).toEqual([0]);
    expect(judged({ status: 'HALTED', next: 2, rows }).fill).toEqual([]);
  });

  it('where our own bytes had finally lost are a halt, not a gap', () => {
    const judgement = judged({ next: 2, rows: [row(0, 'FOREIGN', { hasBytes: true }), row(1, 'SIGNED')] });
    expect(judgement.fill).toEqual([]);
    expect(judgement.halts).toMatchObject([{ reason: 'FINALITY_UNDONE', detail: { nonce: 0 } }]);
  });
});

describe('a filler', () => {
  const holds = (view: FillerView, more: Partial<WalletView> = {}, memory: Partial<GuardianMemory> = {}) => judged({ next: 3, rows: [row(0, 'VOIDING', { holder: view.requestId }), row(1, 'SIGNED')], fillers: [view], ...more }, memory).fillers[0];

  it('is signed, sent, sent again when lost, replaced when stuck, and ended when final', () => {
    expect(holds(filler(0))).toMatchObject({ kind: 'sign', ordinal: 0 });
    expect(holds(filler(0, { attempts: [attempt(0, 'SIGNED')] }))).toMatchObject({ kind: 'send' });
    expect(holds(filler(0, { attempts: [attempt(0)] }))).toMatchObject({ kind: 'send' });
    expect(holds(filler(0, { attempts: [attempt(0)], known: true }))).toMatchObject({ kind: 'wait' });
    const since = { fillers: [{ txHash: '0xa0', sinceBlock: 90 }] };
    expect(holds(filler(0, { attempts: [attempt(0)], known: true }), {}, since)).toMatchObject({ kind: 'sign', ordinal: 1 });
    expect(holds(filler(0, { attempts: [attempt(0)], receipt: { txHash: '0xa0', final: false } }), { latest: 1 })).toMatchObject({ kind: 'mined' });
    expect(holds(filler(0, { attempts: [attempt(0)], receipt: { txHash: '0xa0', final: true } }), { latest: 1 })).toMatchObject({ kind: 'end', consumedBy: '0xa0' });
  });

  it('that waits for a lower nonce is not replaced', () => {
    const since = { fillers: [{ txHash: '0xa0', sinceBlock: 10 }] };
    expect(holds(filler(1, { attempts: [attempt(0)], known: true }), {}, since)).toMatchObject({ kind: 'wait' });
  });

  it('after a replacement waits again before the next', () => {
    const memory = { fillers: [{ txHash: '0xa0', sinceBlock: 10 }] };
    expect(holds(filler(0, { attempts: [attempt(0), attempt(1)], known: true }), {}, memory)).toMatchObject({ kind: 'wait' });
  });

  it('whose nonce a stranger took is ended as lost, with proof only', () => {
    const lost = filler(0, { attempts: [attempt(0)] });
    expect(holds(lost, { latest: 1, strangers: [{ nonce: 0, consumer: null }] })).toMatchObject({ kind: 'wait' });
    expect(holds(lost, { latest: 1, strangers: [{ nonce: 0, consumer: consumer({ ours: true }) }] })).toMatchObject({ kind: 'wait' });
    expect(holds(lost, { latest: 1, strangers: [{ nonce: 0, consumer: consumer() }] })).toMatchObject({ kind: 'end', consumedBy: null });
  });

  it('of a halted wallet is followed, never signed or sent', () => {
    for (const view of [filler(0), filler(0, { attempts: [attempt(0, 'SIGNED')] }), filler(0, { attempts: [attempt(0)] })]) expect(holds(view, { status: 'HALTED' })).toMatchObject({ kind: 'wait' });
    expect(holds(filler(0, { attempts: [attempt(0)], receipt: { txHash: '0xa0', final: true } }), { status: 'HALTED' })).toMatchObject({ kind: 'end' });
  });
});

describe('strangers', () => {
  it('are booked up to the first nonce without proof', () => {
    const strangers = [0, 1, 2, 3].map((nonce) => ({ nonce, consumer: nonce === 2 ? null : consumer({ txHash: `0x${nonce}` }) }));
    expect(judged({ next: 0, latest: 4, strangers }).resync.map(({ nonce }) => nonce)).toEqual([0, 1]);
  });

  it('of nonces given out are booked each for itself', () => {
    const strangers = [{ nonce: 0, consumer: null }, { nonce: 1, consumer: consumer() }];
    expect(judged({ next: 2, latest: 2, rows: [row(0, 'FREED'), row(1, 'FOREIGN')], strangers }).resync.map(({ nonce }) => nonce)).toEqual([1]);
  });

  it('that moved value halt the wallet, others only raise an alert that ends by itself', () => {
    const harmless = judged({ next: 0, latest: 1, strangers: [{ nonce: 0, consumer: consumer() }] });
    expect(harmless.halts).toEqual([]);
    expect(harmless.conditions.FOREIGN_TRANSACTION).toMatchObject({ nonce: 0, txHash: '0xf0' });
    expect(judged({ next: 1, latest: 1, block: 101 }, harmless.memory).conditions.FOREIGN_TRANSACTION).not.toBeNull();
    expect(judged({ next: 1, latest: 1, block: 120 }, harmless.memory).conditions.FOREIGN_TRANSACTION).toBeNull();
    const outflow = judged({ next: 0, latest: 1, strangers: [{ nonce: 0, consumer: consumer({ movesValue: true, valueWei: 5n }) }] });
    expect(outflow.halts).toMatchObject([{ reason: 'FOREIGN_OUTFLOW', detail: { nonce: 0, valueWei: '5' } }]);
    expect(outflow.conditions.FOREIGN_TRANSACTION).toBeNull();
  });
});

describe('conditions', () => {
  it('gas: low below the threshold; once paused for it, until everything promised is there again', () => {
    expect(judged({ nativeWei: 99n }).conditions.GAS_LOW).toEqual({ nativeWei: '99', neededWei: '100' });
    expect(judged({ nativeWei: 100n, promisedWei: 500n }).conditions.GAS_LOW).toBeNull();
    expect(judged({ status: 'PAUSED', nativeWei: 100n, promisedWei: 500n }).conditions.GAS_LOW).toBeNull();
    expect(judged({ status: 'PAUSED', pausedForGas: true, nativeWei: 499n, promisedWei: 500n }).conditions.GAS_LOW).toEqual({ nativeWei: '499', neededWei: '500' });
    expect(judged({ status: 'PAUSED', pausedForGas: true, nativeWei: 500n, promisedWei: 500n }).conditions.GAS_LOW).toBeNull();
  });

  it('head of line: the lowest nonce stood still while bytes wait at or behind it', () => {
    const stuck = { latest: 3, next: 6, rows: [row(3, 'RESERVED'), row(5, 'SIGNED')] };
    const first = judged(stuck);
    expect(first.conditions.HEAD_OF_LINE).toBeNull();
    expect(judged({ ...stuck, block: 119 }, first.memory).conditions.HEAD_OF_LINE).toBeNull();
    expect(judged({ ...stuck, block: 120 }, first.memory).conditions.HEAD_OF_LINE).toMatchObject({ nonce: 3, sinceBlock: 100, holder: 'tx-3' });
    expect(judged({ ...stuck, latest: 4, block: 120 }, first.memory).conditions.HEAD_OF_LINE).toBeNull();
    expect(judged({ latest: 3, next: 4, rows: [row(3, 'RESERVED')], block: 500 }, first.memory).memory.head).toBeNull();
  });

  it.each<[string, Partial<WalletView>]>([
    ['a nonce the chain no longer counts', { latest: 4, next: 6, rows: [row(4, 'CONSUMED')] }],
    ['a foreign transaction in the pool', { latest: 4, pending: 5, next: 4 }],
    ['a nonce consumed by nobody', { latest: 4, next: 4, strangers: [{ nonce: 3, consumer: null }] }],
    ['bytes of ours on a nonce given to nobody', { latest: 4, next: 3, strangers: [{ nonce: 3, consumer: consumer({ ours: true }) }] }],
    ['a chain far ahead of the books', { latest: AHEAD_MAX + 2, next: 1 }],
  ])('drift: %s, once it has lasted', (_, view) => {
    const first = judged(view);
    expect(first.conditions.NONCE_DRIFT).toBeNull();
    expect(judged({ ...view, block: 109 }, first.memory).conditions.NONCE_DRIFT).toBeNull();
    expect(judged({ ...view, block: 110 }, first.memory).conditions.NONCE_DRIFT).toMatchObject({ sinceBlock: 100 });
    const healed = judged({ latest: 4, pending: 4, next: 4, block: 111 }, first.memory);
    expect(healed.conditions.NONCE_DRIFT).toBeNull();
    expect(healed.memory.drift).toBeNull();
  });

  it('a fast front that disagrees twice with the same counter is repaired', () => {
    const first = judged({ next: 4, latest: 4, pending: 4, frontCounter: 9 });
    expect(first.repairFront).toBe(false);
    expect(judged({ next: 4, latest: 4, pending: 4, frontCounter: 9 }, first.memory).repairFront).toBe(true);
    expect(judged({ next: 4, latest: 4, pending: 4, frontCounter: 10 }, first.memory).repairFront).toBe(false);
    expect(judged({ next: 9, latest: 4, pending: 4, frontCounter: 9 }, first.memory).repairFront).toBe(false);
  });

  it('a node that stands behind the last look is not believed', () => {
    expect(judge(viewOf({ block: 99 }), { ...NOTHING_SEEN, block: 100 }, LIMITS)).toBeNull();
  });
});

const nonceRow = (nonce: number) => record({ state: constantFrom(...NONCE_STATES), hasBytes: boolean(), proven: boolean() }).map((more) => row(nonce, more.state, { hasBytes: more.state === 'SIGNED' ? true : more.hasBytes, proven: more.proven }));
const viewArbitrary = tuple(integer({ min: 0, max: 8 }), array(option(constantFrom(...NONCE_STATES), { nil: null }), { maxLength: 14 })).chain(([start, states]) =>
  tuple(
    ...states.map((state, index) => (state === null ? constantFrom(null) : nonceRow(start + index).map((made) => ({ ...made, state })))),
  ).chain((rows) =>
    record({
      status: constantFrom(...WALLET_STATUSES),
      block: integer({ min: 1, max: 200 }),
      latest: integer({ min: 0, max: 20 }),
      pending: integer({ min: 0, max: 20 }),
      nativeWei: bigInt({ min: 0n, max: 200n }),
      promisedWei: bigInt({ min: 0n, max: 200n }),
      frontCounter: option(integer({ min: 0, max: 30 })),
      proofs: array(boolean(), { maxLength: 10 }),
    }).map(({ proofs, ...more }) => {
      const known = rows.filter((made): made is NonceRow => made !== null);
      const next = start + states.length;
      const strangers = unexplained({ rows: known, next, finalCount: more.latest }).map((nonce, index) => ({ nonce, consumer: proofs[index] === true ? consumer({ movesValue: index % 3 === 0 }) : null }));
      return viewOf({ ...more, next, rows: known, strangers });
    }),
  ),
);
const memoryArbitrary = record({
  block: integer({ min: 0, max: 100 }),
  head: option(record({ nonce: integer({ min: 0, max: 20 }), sinceBlock: integer({ min: 0, max: 100 }) })),
  drift: option(record({ sinceBlock: integer({ min: 0, max: 100 }) })),
  strangerBlock: option(integer({ min: 0, max: 100 })),
  frontCounter: option(integer({ min: 0, max: 30 })),
}).map((memory) => ({ ...memory, fillers: [] }));

describe('whatever is seen', () => {
  const always = (check: (view: WalletView, judgement: Judgement) => void) =>
    assert(
      property(viewArbitrary, memoryArbitrary, (view, memory) => {
        const judgement = judge(view, memory, LIMITS);
        if (judgement) check(view, judgement);
        else expect(view.block).toBeLessThan(memory.block);
      }),
      { numRuns: 2_000 },
    );

  it('no nonce is filled that somebody holds, that carries bytes, that is mined, or that nothing waits behind', () => {
    always((view, { fill }) => {
      expect(fill.length).toBeLessThanOrEqual(FILLS_MAX);
      for (const nonce of fill) {
        expect(view.status).not.toBe('HALTED');
        expect(nonce).toBeGreaterThanOrEqual(view.latest);
        const held = view.rows.find((known) => known.nonce === nonce);
        expect(['RESERVED', 'SIGNED', 'VOIDING', 'CONSUMED']).not.toContain(held?.state);
        expect(view.rows.some((known) => known.nonce > nonce && known.hasBytes && (known.state === 'SIGNED' || known.state === 'VOIDING'))).toBe(true);
      }
    });
  });

  it('once filled, nothing signed waits behind a nonce nobody holds, but for finality undone and more than fit one look', () => {
    always((view, { fill, halts }) => {
      if (view.status === 'HALTED' || fill.length === FILLS_MAX || halts.some(({ reason }) => reason === 'FINALITY_UNDONE')) return;
      const top = Math.max(-1, ...view.rows.filter(({ state, hasBytes }) => hasBytes && (state === 'SIGNED' || state === 'VOIDING')).map(({ nonce }) => nonce));
      for (let nonce = view.latest; nonce < top; nonce += 1) {
        const held = view.rows.find((known) => known.nonce === nonce);
        expect(fill.includes(nonce) || (held !== undefined && held.state !== 'FREED' && held.state !== 'FOREIGN')).toBe(true);
      }
    });
  });

  it('strangers are booked without a hole above the books, with proof, and each outflow halts', () => {
    always((view, { resync, halts }) => {
      expect(resync.length).toBeLessThanOrEqual(EXAMINED_MAX);
      const above = resync.filter(({ nonce }) => nonce >= (view.next ?? 0)).map(({ nonce }) => nonce);
      expect(above).toEqual(above.map((_, index) => (view.next ?? 0) + index));
      expect(halts.filter(({ reason }) => reason === 'FOREIGN_OUTFLOW')).toHaveLength(resync.filter(({ consumer: found }) => found.movesValue).length);
    });
  });

  it('is judged the same when it is seen again, and the memory survives being written down', () => {
    always((view, { memory }) => {
      const first = judge(view, memory, LIMITS);
      expect(judge(view, JSON.parse(JSON.stringify(memory)) as GuardianMemory, LIMITS)).toEqual(first);
      expect(first?.memory.head).toEqual(memory.head);
      expect(first?.memory.drift).toEqual(memory.drift);
    });
  });
});
