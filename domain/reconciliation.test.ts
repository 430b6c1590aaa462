import { array, assert, bigInt, boolean, constantFrom, integer, option, property, record, shuffledSubarray, uniqueArray, type Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bookingOf, OUTFLOW_CLASSES, reconcile, settledUpTo, type BookedWithdrawal, type DeclaredMovement, type KnownAttempt, type Outflow, type ReconciliationInput } from './reconciliation.ts';

const USDC = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const USDT = '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB';
const SPAM = '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb';
const ALICE = '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359';
const COLLECTOR = '0x52908400098527886E0F7030069857D2E4169EE7';
const HASH = '0x01';

const outflow = (change: Partial<Outflow> = {}): Outflow => ({ txHash: HASH, logIndex: 3, tokenAddress: USDC, to: ALICE, amount: 100n, block: 50, sentByWallet: true, ...change });
const attempt = (change: Partial<KnownAttempt> = {}): KnownAttempt => ({ txHash: HASH, requestId: 'a', purpose: 'PAY', ...change });
const withdrawal = (change: Partial<BookedWithdrawal> = {}): BookedWithdrawal => ({ requestId: 'a', booking: 'paid', paidTxHash: HASH, paidLogIndex: 3, tokenAddress: USDC, toAddress: ALICE, amount: 100n, spentInBlock: 50, ...change });
const movement = (change: Partial<DeclaredMovement> = {}): DeclaredMovement => ({ id: 1, tokenAddress: USDC, amount: 100n, counterparty: ALICE, declaredAtMs: 1_000, txHash: null, logIndex: null, ...change });
const input = (change: Partial<ReconciliationInput> = {}): ReconciliationInput => ({
  range: { from: 1, to: 100 },
  outflows: [],
  attempts: [],
  withdrawals: [],
  movements: [],
  knownTokens: [USDC, USDT],
  acceptLateDeclarations: false,
  minedAtMs: new Map([[50, 5_000]]),
  ...change,
});
const classOf = (change: Partial<ReconciliationInput>) => reconcile(input({ outflows: [outflow()], ...change })).outflows.map((row) => row.class);

describe('a transfer out of a hot wallet', () => {
  it('is matched by the very log its withdrawal is booked with', () => {
    const result = reconcile(input({ outflows: [outflow()], attempts: [attempt()], withdrawals: [withdrawal()] }));
    expect(result).toEqual({ outflows: [{ outflow: outflow(), class: 'matched', requestId: 'a', movementId: null, reason: null }], missing: [] });
    const native = { tokenAddress: null, logIndex: -1 };
    expect(classOf({ outflows: [outflow(native)], attempts: [attempt()], withdrawals: [withdrawal({ tokenAddress: null, paidLogIndex: -1 })] })).toEqual(['matched']);
    // Spelling is no difference.
    expect(classOf({ outflows: [outflow({ to: ALICE.toLowerCase(), tokenAddress: USDC.toLowerCase() })], attempts: [attempt()], withdrawals: [withdrawal()] })).toEqual(['matched']);
    // Paid by hand from this wallet and booked as such: no attempt of ours, but the books name it.
    expect(classOf({ withdrawals: [withdrawal()] })).toEqual(['matched']);
  });

  it.each<[string, Partial<BookedWithdrawal>]>([
    ['another amount', { amount: 99n }],
    ['another recipient', { toAddress: COLLECTOR }],
    ['another token', { tokenAddress: USDT }],
  ])('is a mismatch where the books say %s', (_, change) => {
    const [row] = reconcile(input({ outflows: [outflow()], attempts: [attempt()], withdrawals: [withdrawal(change)] })).outflows;
    expect(row).toMatchObject({ class: 'mismatch', reason: 'booked-differently', requestId: 'a' });
  });

  it('is a mismatch where its withdrawal is booked with another log, another transaction, none, or as unpaid', () => {
    const of = (booked: Partial<BookedWithdrawal>) => reconcile(input({ outflows: [outflow()], attempts: [attempt()], withdrawals: [withdrawal(booked)] }));
    expect(of({ paidLogIndex: 4 })).toMatchObject({ outflows: [{ class: 'mismatch', reason: 'booked-differently' }], missing: [{ requestId: 'a' }] });
    expect(of({ paidTxHash: '0x02' })).toMatchObject({ outflows: [{ class: 'mismatch', reason: 'paid-twice' }], missing: [{ requestId: 'a' }] });
    expect(of({ paidTxHash: null, paidLogIndex: null })).toMatchObject({ outflows: [{ class: 'mismatch', reason: 'booked-differently' }], missing: [{ requestId: 'a' }] });
    expect(of({ booking: 'unpaid', paidTxHash: null, paidLogIndex: null, spentInBlock: null })).toMatchObject({ outflows: [{ class: 'mismatch', reason: 'booked-unpaid' }], missing: [] });
    expect(of({ booking: 'parked', paidTxHash: '0x02', paidLogIndex: null })).toMatchObject({ outflows: [{ class: 'mismatch', reason: 'paid-twice' }], missing: [] });
  });

  it('is in progress while its withdrawal is not booked, and holds the cursor below its block', () => {
    const open = withdrawal({ booking: 'open', paidTxHash: null, paidLogIndex: null, spentInBlock: null });
    const { outflows } = reconcile(input({ outflows: [outflow(), outflow({ txHash: '0x02', block: 70 })], attempts: [attempt(), attempt({ txHash: '0x02', requestId: 'b' })], withdrawals: [open, { ...open, requestId: 'b' }] }));
    expect(outflows.map((row) => row.class)).toEqual(['in-progress', 'in-progress']);
    expect(settledUpTo({ from: 1, to: 100 }, outflows)).toBe(49);
    expect(settledUpTo({ from: 50, to: 100 }, outflows)).toBe(49);
    expect(settledUpTo({ from: 1, to: 100 }, [])).toBe(100);
  });

  it('is explained as a fee, or as a parked payment, in its own transaction and token only', () => {
    const fee = outflow({ logIndex: 2, to: COLLECTOR, amount: 1n });
    const net = outflow({ amount: 99n });
    const parked = withdrawal({ booking: 'parked', paidLogIndex: null });
    expect(classOf({ outflows: [fee, net], attempts: [attempt()], withdrawals: [parked] })).toEqual(['extra', 'parked']);
    expect(classOf({ outflows: [fee, outflow()], attempts: [attempt()], withdrawals: [withdrawal()] })).toEqual(['extra', 'matched']);
    expect(classOf({ outflows: [{ ...fee, tokenAddress: USDT }, outflow()], attempts: [attempt()], withdrawals: [withdrawal()] })).toEqual(['stranger', 'matched']);
    expect(classOf({ outflows: [{ ...fee, tokenAddress: SPAM }, outflow()], attempts: [attempt()], withdrawals: [withdrawal()] })).toEqual(['ignored', 'matched']);
    // A second transfer to the recipient is no fee.
    expect(classOf({ outflows: [outflow(), outflow({ logIndex: 9 })], attempts: [attempt()], withdrawals: [withdrawal()] })).toEqual(['matched', 'mismatch']);
  });

  it('is a stranger without a withdrawal behind it', () => {
    expect(classOf({})).toEqual(['stranger']);
    expect(classOf({ outflows: [outflow({ sentByWallet: false })] })).toEqual(['stranger']);
    expect(classOf({ outflows: [outflow({ tokenAddress: null, logIndex: -1 })] })).toEqual(['stranger']);
    // The key was used: what it moved counts, whatever it is worth.
    expect(classOf({ outflows: [outflow({ tokenAddress: SPAM })] })).toEqual(['stranger']);
    expect(classOf({ attempts: [attempt()] })).toEqual(['stranger']);
    expect(classOf({ attempts: [attempt({ purpose: 'VOID' })], withdrawals: [withdrawal({ booking: 'open', paidTxHash: null, paidLogIndex: null })] })).toEqual(['stranger']);
  });

  it('is ignored where nothing of value can have moved', () => {
    expect(classOf({ outflows: [outflow({ tokenAddress: SPAM, sentByWallet: false })] })).toEqual(['ignored']);
    // Anybody may call transferFrom with an amount of zero: a trick to put addresses into histories.
    expect(classOf({ outflows: [outflow({ amount: 0n, sentByWallet: false })] })).toEqual(['ignored']);
  });
});

describe('a declared movement', () => {
  it('explains one transfer of exactly its token, amount and counterparty', () => {
    expect(reconcile(input({ outflows: [outflow()], movements: [movement({ id: 7 })] })).outflows).toMatchObject([{ class: 'declared', movementId: 7 }]);
    expect(classOf({ outflows: [outflow(), outflow({ logIndex: 4 })], movements: [movement()] })).toEqual(['declared', 'stranger']);
    for (const other of [{ amount: 101n }, { counterparty: COLLECTOR }, { tokenAddress: USDT }, { tokenAddress: null }]) expect(classOf({ movements: [movement(other)] })).toEqual(['stranger']);
  });

  it('explains again the transfer it was recognised as, and no other', () => {
    const used = movement({ txHash: HASH, logIndex: 3, declaredAtMs: 9_000_000 });
    expect(classOf({ movements: [used] })).toEqual(['declared']);
    expect(classOf({ outflows: [outflow({ logIndex: 4 })], movements: [used] })).toEqual(['stranger']);
  });

  it('counts when it was declared before the transfer, give or take the clocks; later only when a person asks again', () => {
    expect(classOf({ movements: [movement({ declaredAtMs: 5_000 + 30_000 })] })).toEqual(['declared']);
    const late = [movement({ declaredAtMs: 5_000 + 30_001 })];
    expect(classOf({ movements: late })).toEqual(['stranger']);
    expect(classOf({ movements: late, acceptLateDeclarations: true })).toEqual(['declared']);
    expect(classOf({ movements: [movement()], minedAtMs: new Map() })).toEqual(['stranger']);
  });

  it('does not stand in for a withdrawal', () => {
    expect(reconcile(input({ outflows: [outflow()], attempts: [attempt()], withdrawals: [withdrawal()], movements: [movement()] })).outflows).toMatchObject([{ class: 'matched', movementId: null }]);
  });
});

describe('a booked payment', () => {
  it('is missing when its block is in the range and the chain shows no such transfer', () => {
    const missing = (change: Partial<BookedWithdrawal>, outflows: Outflow[] = []) => reconcile(input({ outflows, withdrawals: [withdrawal(change)] })).missing.map(({ requestId }) => requestId);
    expect(missing({})).toEqual(['a']);
    expect(missing({}, [outflow()])).toEqual([]);
    expect(missing({}, [outflow({ logIndex: 4 })])).toEqual(['a']);
    expect(missing({ spentInBlock: 1 })).toEqual(['a']);
    expect(missing({ spentInBlock: 100 })).toEqual(['a']);
    for (const outside of [0, 101, null]) expect(missing({ spentInBlock: outside })).toEqual([]);
    // Nobody claims that these were paid as asked.
    expect(missing({ booking: 'parked', paidLogIndex: null })).toEqual([]);
    expect(missing({ booking: 'open', paidTxHash: null, paidLogIndex: null })).toEqual([]);
    // Money is booked as spent for a withdrawal that is not there.
    expect(missing({ booking: 'lost', paidTxHash: null, paidLogIndex: null })).toEqual(['a']);
  });
});

it('reads the booking off the row', () => {
  expect(bookingOf('COMPLETED', HASH)).toBe('paid');
  expect(bookingOf('COMPLETED', null)).toBe('paid');
  expect(bookingOf('DEAD_LETTERED', HASH)).toBe('parked');
  expect(bookingOf('DEAD_LETTERED', null)).toBe('open');
  expect(bookingOf('CONFIRMING', null)).toBe('open');
  for (const ended of ['FAILED', 'CANCELLED', 'REJECTED'] as const) expect(bookingOf(ended, null)).toBe('unpaid');
});

describe('any two sides', () => {
  const hashes = constantFrom('0x01', '0x02', '0x03', '0x04');
  const tokens = constantFrom<string | null>(null, USDC, USDT, SPAM);
  const people = constantFrom(ALICE, COLLECTOR);
  const amounts = bigInt({ min: 0n, max: 3n });
  const requests = constantFrom('a', 'b', 'c');
  const logs = integer({ min: -1, max: 2 });
  const sides: Arbitrary<ReconciliationInput> = record({
    range: constantFrom({ from: 1, to: 4 }),
    outflows: uniqueArray(record({ txHash: hashes, logIndex: logs, tokenAddress: tokens, to: people, amount: amounts, block: integer({ min: 1, max: 4 }), sentByWallet: boolean() }), { selector: ({ txHash, logIndex }) => `${txHash}:${logIndex}` }),
    attempts: uniqueArray(record({ txHash: hashes, requestId: requests, purpose: constantFrom('PAY' as const, 'VOID' as const) }), { selector: ({ txHash }) => txHash }),
    withdrawals: uniqueArray(
      record({ requestId: requests, booking: constantFrom('paid' as const, 'parked' as const, 'open' as const, 'unpaid' as const, 'lost' as const), paidTxHash: option(hashes), paidLogIndex: option(logs), tokenAddress: tokens, toAddress: people, amount: amounts, spentInBlock: option(integer({ min: 0, max: 5 })) }),
      { selector: ({ requestId }) => requestId },
    ),
    movements: array(record({ tokenAddress: tokens, amount: amounts, counterparty: people, declaredAtMs: integer({ min: 0, max: 200_000 }) }), { maxLength: 6 }).map((rows) => rows.map((row, index) => ({ id: index + 1, ...row, txHash: null, logIndex: null }))),
    knownTokens: constantFrom([USDC], [USDC, USDT]),
    acceptLateDeclarations: boolean(),
    minedAtMs: constantFrom(new Map([[1, 10_000], [2, 50_000], [3, 90_000], [4, 130_000]])),
  }).filter(({ withdrawals }) => {
    // The database refuses two withdrawals booked with one log.
    const keys = withdrawals.flatMap(({ paidTxHash, paidLogIndex }) => (paidTxHash === null || paidLogIndex === null ? [] : [`${paidTxHash}:${paidLogIndex}`]));
    return new Set(keys).size === keys.length;
  });

  it('put each transfer into one class, use each movement once, and never stop for what is explained', () => {
    assert(
      property(sides, (given) => {
        const { outflows, missing } = reconcile(given);
        expect(outflows.map((row) => row.outflow)).toHaveLength(given.outflows.length);
        expect(new Set(outflows.map((row) => row.outflow))).toEqual(new Set(given.outflows));
        for (const row of outflows) {
          expect(OUTFLOW_CLASSES).toContain(row.class);
          expect(row.movementId !== null).toBe(row.class === 'declared');
          expect(row.reason !== null).toBe(row.class === 'mismatch');
          expect(row.requestId !== null).toBe(['matched', 'parked', 'extra', 'in-progress', 'mismatch'].includes(row.class));
        }
        const used = outflows.flatMap(({ movementId }) => movementId ?? []);
        expect(new Set(used).size).toBe(used.length);
        // Each log pays one withdrawal at most, and what was found there is not missing.
        const paid = outflows.filter((row) => row.class === 'matched').map(({ requestId }) => requestId);
        expect(new Set(paid).size).toBe(paid.length);
        expect(missing.filter(({ requestId }) => paid.includes(requestId))).toEqual([]);
      }),
    );
  });

  it('give the same result in any order', () => {
    assert(
      property(
        sides.chain((given) => record({ given: constantFrom(given), outflows: all(given.outflows), attempts: all(given.attempts), withdrawals: all(given.withdrawals), movements: all(given.movements) })),
        ({ given, ...shuffled }) => {
          expect(reconcile({ ...given, ...shuffled })).toEqual(reconcile(given));
        },
      ),
    );
  });

  it('find what was declared again when the same blocks are compared again', () => {
    assert(
      property(sides, boolean(), (given, acceptLateDeclarations) => {
        const first = reconcile(given);
        const marked = given.movements.map((row) => {
          const used = first.outflows.find(({ movementId }) => movementId === row.id)?.outflow;
          return used ? { ...row, txHash: used.txHash, logIndex: used.logIndex } : row;
        });
        const second = reconcile({ ...given, movements: marked, acceptLateDeclarations: given.acceptLateDeclarations || acceptLateDeclarations });
        const explained = first.outflows.map((row, index) => (row.class === 'stranger' ? second.outflows[index] : row));
        expect(second.outflows).toEqual(explained);
        // The same rules leave no stranger that an unused declaration would have explained.
        expect(given.acceptLateDeclarations || !acceptLateDeclarations ? second : first).toEqual(first);
      }),
    );
  });
});

const all = <T>(items: readonly T[]): Arbitrary<T[]> => shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
