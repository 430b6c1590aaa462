import { asc, eq } from 'drizzle-orm';
import { assert, asyncProperty } from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../../../domain/address.ts';
import { consume, foreign, free, historyArbitrary, newModel, REQUESTS, reserve, sign, type NonceModel, type NonceMove } from '../../../domain/nonces.testkit.ts';
import { END_STATUSES, type WalletStatus } from '../../../domain/status.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { nonceReservations, wallets } from '../../schema/index.ts';
import { insertAttempt, listAttempts } from './attempts.ts';
import { endNonce, freeNonce, getLiveReservation, lockLiveReservation, markNonce, reserveNonce, type NonceReservationRow } from './nonces.ts';
import { CHAIN_ID, inTransaction, newAttempt, newWallet, newWithdrawal, randomHash, randomRequestId, range, takeNonce } from '../repositories.testkit.ts';
import { getWallet, setNextNonce } from '../wallets/wallets.ts';

let database: TestDatabase;
let wallet: Address;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  wallet = await newWallet(database.db);
});

const take = (options: Parameters<typeof takeNonce>[2] = {}) => takeNonce(database.db, wallet, options);
const give = (requestId: string) => inTransaction(database.db, (tx) => freeNonce(tx, requestId));
const rowsOf = (address: Address): Promise<NonceReservationRow[]> => database.db.select().from(nonceReservations).where(eq(nonceReservations.walletAddress, address)).orderBy(asc(nonceReservations.nonce));
const setStatus = (status: WalletStatus) => database.db.update(wallets).set({ status }).where(eq(wallets.address, wallet));
const ascending = (numbers: readonly number[]) => numbers.toSorted((left, right) => left - right);

/** Commits bytes on a reservation, as a signer does. */
const commitBytes = (reservation: NonceReservationRow) =>
  inTransaction(database.db, async (tx) => {
    await insertAttempt(tx, newAttempt(reservation));
    await markNonce(tx, reservation.id, 'SIGNED');
  });

describe('many withdrawals at once', () => {
  it('get the nonces 0 to 99, each one once', async () => {
    const given = await Promise.all(range(100).map(() => take()));
    expect(ascending(given.map(({ nonce }) => nonce))).toEqual(range(100));
    expect(new Set(given.map(({ id }) => id)).size).toBe(100);
    expect((await rowsOf(wallet)).map(({ nonce, state, generation }) => ({ nonce, state, generation }))).toEqual(range(100).map((nonce) => ({ nonce, state: 'RESERVED', generation: 1 })));
    expect((await getWallet(database.db, CHAIN_ID, wallet)).nextNonce).toBe(100);
  });

  it('of one wallet start where the chain stands', async () => {
    const given = await Promise.all(range(10).map(() => take({ chainNonce: 41 })));
    expect(ascending(given.map(({ nonce }) => nonce))).toEqual(range(10, 41));
  });

  it('of two wallets do not mix their nonces', async () => {
    const other = await newWallet(database.db);
    const [mine, theirs] = await Promise.all([Promise.all(range(15).map(() => take())), Promise.all(range(15).map(() => takeNonce(database.db, other)))]);
    expect(ascending(mine.map(({ nonce }) => nonce))).toEqual(range(15));
    expect(ascending(theirs.map(({ nonce }) => nonce))).toEqual(range(15));
  });

  it('that give back and take leave no gap and no nonce twice', async () => {
    const held = await Promise.all(range(20).map(() => take()));
    const back = held.filter((_, index) => index % 3 === 0);
    const [, taken] = await Promise.all([Promise.all(back.map((reservation) => give(reservation.liveRequestId ?? ''))), Promise.all(range(20).map(() => take()))]);
    const live = [...held.filter((reservation) => !back.includes(reservation)), ...taken].map(({ nonce }) => nonce);
    expect(new Set(live).size).toBe(live.length);
    const rows = await rowsOf(wallet);
    expect(rows.map(({ nonce }) => nonce)).toEqual(range(rows.length));
    expect(rows.filter(({ state }) => state === 'RESERVED')).toHaveLength(live.length);
  });
});

describe('one withdrawal', () => {
  it('asked for twenty times at once gets one nonce', async () => {
    const { requestId } = await newWithdrawal(database.db);
    const given = await Promise.all(range(20).map(() => take({ requestId })));
    expect(new Set(given.map(({ id }) => id)).size).toBe(1);
    expect((await rowsOf(wallet)).map(({ nonce, liveRequestId }) => ({ nonce, liveRequestId }))).toEqual([{ nonce: 0, liveRequestId: requestId }]);
  });

  it('keeps its nonce after it was signed, while its wallet still has room for nobody', async () => {
    const reservation = await take({ window: 1 });
    await commitBytes(reservation);
    expect((await take({ requestId: reservation.liveRequestId ?? '', window: 1 })).nonce).toBe(reservation.nonce);
  });

  it('cannot hold two nonces: the database itself refuses the second', async () => {
    const reservation = await take();
    const second = database.db.insert(nonceReservations).values({ chainId: CHAIN_ID, walletAddress: wallet, nonce: 7, requestId: reservation.requestId, liveRequestId: reservation.liveRequestId, generation: 1, state: 'RESERVED', updatedAt: new Date() });
    await expect(second).rejects.toMatchObject({ cause: { code: 'ER_DUP_ENTRY' } });
  });

  it('cannot hold a nonce of another: the database itself refuses it', async () => {
    await take();
    const second = database.db.insert(nonceReservations).values({ chainId: CHAIN_ID, walletAddress: wallet, nonce: 0, requestId: 'tx-other', liveRequestId: 'tx-other', generation: 1, state: 'RESERVED', updatedAt: new Date() });
    await expect(second).rejects.toMatchObject({ cause: { code: 'ER_DUP_ENTRY' } });
  });
});

describe('a freed nonce', () => {
  it('is taken again, the lowest first, with a raised generation', async () => {
    const held = [await take(), await take(), await take(), await take()];
    for (const index of [2, 0]) expect(await give(held[index]?.liveRequestId ?? '')).toMatchObject({ nonce: index });

    const next = [await take(), await take(), await take()];
    expect(next.map(({ nonce, generation }) => ({ nonce, generation }))).toEqual([
      { nonce: 0, generation: 2 },
      { nonce: 2, generation: 2 },
      { nonce: 4, generation: 1 },
    ]);
    expect(next[0]?.id).toBe(held[0]?.id);
  });

  it('belongs to nobody until then', async () => {
    const { requestId } = await take();
    await give(requestId ?? '');
    expect(await getLiveReservation(database.db, requestId ?? '')).toBeNull();
    expect(await rowsOf(wallet)).toMatchObject([{ state: 'FREED', requestId, liveRequestId: null }]);
  });

  it('is freed once, however often it is given back', async () => {
    const { requestId } = await take();
    const freed = await Promise.all(range(10).map(() => give(requestId ?? '')));
    expect(freed.filter((reservation) => reservation !== null)).toHaveLength(1);
    expect(await give('tx-of-nobody')).toBeNull();
  });

  it.each(['SIGNED', 'VOIDING'] as const)('never was %s: a nonce with bytes stays', async (state) => {
    const reservation = await take();
    await commitBytes(reservation);
    await inTransaction(database.db, (tx) => markNonce(tx, reservation.id, state));
    expect(await give(reservation.liveRequestId ?? '')).toBeNull();
    expect(await rowsOf(wallet)).toMatchObject([{ state, liveRequestId: reservation.liveRequestId }]);
    expect((await take()).nonce).toBe(1);
  });

  it('races with the commit of bytes: either it is freed or it has bytes, never both', async () => {
    const outcomes = new Set<string>();
    for (const round of range(30)) {
      const reservation = await take();
      const requestId = reservation.liveRequestId ?? '';
      const commit = () => inTransaction(database.db, async (tx) => {
        const locked = await lockLiveReservation(tx, requestId);
        if (locked?.id !== reservation.id || locked.generation !== reservation.generation) return false;
        await insertAttempt(tx, newAttempt(reservation));
        await markNonce(tx, reservation.id, 'SIGNED');
        return true;
      });
      // Who starts first alternates, so that each has its chance.
      const early = round % 2 === 0 ? undefined : give(requestId);
      const [committed, freed] = await Promise.all([commit(), early ?? give(requestId)]);
      expect(committed).toBe(freed === null);
      const row = (await rowsOf(wallet)).find(({ id }) => id === reservation.id);
      expect(row?.state).toBe(committed ? 'SIGNED' : 'FREED');
      expect(await listAttempts(database.db, reservation.id)).toHaveLength(committed ? 1 : 0);
      outcomes.add(row?.state ?? '');
    }
    console.log(`free against commit: ${[...outcomes].join(' and ')} won`);
  });
});

describe("a stranger's transaction", () => {
  it('ahead of the database is passed over, and written down', async () => {
    await take();
    const { nonce } = await take({ chainNonce: 4 });
    expect(nonce).toBe(4);
    expect((await rowsOf(wallet)).map((row) => [row.nonce, row.state, row.liveRequestId === null])).toEqual([
      [0, 'FOREIGN', true],
      [1, 'FOREIGN', true],
      [2, 'FOREIGN', true],
      [3, 'FOREIGN', true],
      [4, 'RESERVED', false],
    ]);
  });

  it('takes a nonce reserved without bytes: its withdrawal gets another', async () => {
    const { requestId } = await newWithdrawal(database.db);
    const before = await take({ requestId });
    const after = await take({ requestId, chainNonce: 1 });
    expect([before.nonce, after.nonce]).toEqual([0, 1]);
    expect(await rowsOf(wallet)).toMatchObject([{ nonce: 0, state: 'FOREIGN', requestId, liveRequestId: null, consumedBy: null }, { nonce: 1, state: 'RESERVED', liveRequestId: requestId }]);
  });

  it('takes a freed nonce: nobody is given it any more', async () => {
    const { requestId } = await take();
    await give(requestId ?? '');
    expect((await take({ chainNonce: 1 })).nonce).toBe(1);
    expect((await rowsOf(wallet))[0]).toMatchObject({ nonce: 0, state: 'FOREIGN' });
  });

  it('says nothing about a nonce with bytes of ours: those decide on chain', async () => {
    const reservation = await take();
    await commitBytes(reservation);
    expect((await take({ chainNonce: 1 })).nonce).toBe(1);
    expect((await take({ requestId: reservation.liveRequestId ?? '', chainNonce: 1 })).nonce).toBe(0);
    expect((await rowsOf(wallet))[0]).toMatchObject({ nonce: 0, state: 'SIGNED', liveRequestId: reservation.liveRequestId });
  });

  it('is not invented by a node that lags behind', async () => {
    const first = await take({ chainNonce: 5 });
    const second = await take({ chainNonce: 3 });
    expect([first.nonce, second.nonce]).toEqual([5, 6]);
    expect(await rowsOf(wallet)).toHaveLength(2);
  });

  it('a thousand times over is believed, once more is not: that is a wrong chain or an old backup', async () => {
    await take();
    await expect(take({ chainNonce: 1_002 })).rejects.toMatchObject({ code: 'WALLET_UNAVAILABLE', parameters: { reason: 'the chain is 1001 nonces ahead of the database' } });
    expect(await rowsOf(wallet)).toMatchObject([{ state: 'RESERVED' }]);
    expect((await take({ chainNonce: 1_001 })).nonce).toBe(1_001);
    expect(await rowsOf(wallet)).toHaveLength(1_002);
  });
});

describe('the window', () => {
  it('refuses the nonce after the last it allows, and records nothing', async () => {
    for (const _ of range(3)) await take({ window: 3 });
    await expect(take({ window: 3 })).rejects.toMatchObject({ code: 'WINDOW_FULL' });
    expect(await rowsOf(wallet)).toHaveLength(3);
    expect((await getWallet(database.db, CHAIN_ID, wallet)).nextNonce).toBe(3);
  });

  it('holds against many at once', async () => {
    const results = await Promise.allSettled(range(30).map(() => take({ window: 8 })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(8);
    expect((await rowsOf(wallet)).map(({ nonce }) => nonce)).toEqual(range(8));
  });

  it('counts what the chain has not mined, and nothing else', async () => {
    const [mined, freed] = [await take({ window: 3 }), await take({ window: 3 }), await take({ window: 3 })];
    await commitBytes(mined);
    // Mined, though not settled yet: the row still says SIGNED.
    expect((await take({ window: 3, chainNonce: 1 })).nonce).toBe(3);
    await expect(take({ window: 3, chainNonce: 1 })).rejects.toMatchObject({ code: 'WINDOW_FULL' });
    await give(freed?.liveRequestId ?? '');
    expect((await take({ window: 3, chainNonce: 1 })).nonce).toBe(1);
  });
});

describe('a wallet that is not active', () => {
  it.each(['PAUSED', 'HALTED'] as const)('gives no nonce while %s', async (status) => {
    const { requestId } = await take();
    await setStatus(status);
    const refusal = { code: 'WALLET_UNAVAILABLE', parameters: { wallet, reason: status } };
    await expect(take()).rejects.toMatchObject(refusal);
    await expect(take({ requestId: requestId ?? '' })).rejects.toMatchObject(refusal);
    expect(await rowsOf(wallet)).toHaveLength(1);
    await setStatus('ACTIVE');
    expect((await take()).nonce).toBe(1);
  });

  it('gives none when nobody knows it', async () => {
    await expect(takeNonce(database.db, '0x0000000000000000000000000000000000000001' as Address)).rejects.toMatchObject({ code: 'WALLET_UNAVAILABLE', parameters: { reason: 'unknown' } });
  });
});

describe('a withdrawal that has ended', () => {
  it.each(END_STATUSES)('gets no nonce as %s: nobody would ever free it', async (status) => {
    const { requestId } = await newWithdrawal(database.db, { status });
    await expect(take({ requestId })).rejects.toMatchObject({ code: 'INVALID_STATE', parameters: { status } });
    expect(await rowsOf(wallet)).toEqual([]);
    expect((await getWallet(database.db, CHAIN_ID, wallet)).nextNonce).toBeNull();
  });

  it('gets none when nobody knows it', async () => {
    await expect(take({ requestId: randomRequestId() })).rejects.toMatchObject({ code: 'BOOKS_BEHIND' });
  });
});

describe('the end of a nonce', () => {
  it('names the hash that consumed it, or a stranger', async () => {
    const [ours, lost] = [await take(), await take()];
    const hash = randomHash();
    await inTransaction(database.db, async (tx) => {
      await endNonce(tx, ours.id, hash);
      await endNonce(tx, lost.id, null);
    });
    expect(await rowsOf(wallet)).toMatchObject([{ state: 'CONSUMED', consumedBy: hash, liveRequestId: null }, { state: 'FOREIGN', consumedBy: null, liveRequestId: null }]);
    // Its withdrawal may have another nonce from now on.
    expect((await take({ requestId: ours.requestId ?? '', chainNonce: 2 })).nonce).toBe(2);
  });
});

describe('what the fast front is told', () => {
  it('is exactly what the table says', async () => {
    const [, freed, signed] = [await take(), await take(), await take(), await take()];
    await give(freed?.liveRequestId ?? '');
    await commitBytes(signed);
    const { requestId } = await newWithdrawal(database.db);
    const ask = () => reserveNonce(database.db, { requestId, chainId: CHAIN_ID, walletAddress: wallet, chainNonce: 0, window: 100 });

    const first = await ask();
    expect(first).toMatchObject({ reservation: { nonce: 1 }, truth: { next: 4, freed: [] } });
    const held = (await rowsOf(wallet)).map(({ liveRequestId, nonce }) => ({ requestId: liveRequestId, nonce }));
    expect(first.truth.held.toSorted((left, right) => left.nonce - right.nonce)).toEqual(held);
    expect(await ask()).toEqual(first);

    await give(requestId);
    const other = await reserveNonce(database.db, { requestId: freed?.requestId ?? '', chainId: CHAIN_ID, walletAddress: wallet, chainNonce: 0, window: 100 });
    expect(other).toMatchObject({ reservation: { nonce: 1, generation: 3 }, truth: { next: 4, freed: [] } });
    expect((await reserveNonce(database.db, { requestId, chainId: CHAIN_ID, walletAddress: wallet, chainNonce: 0, window: 100 })).truth.next).toBe(5);
  });
});

/** Makes one move on the model and on the database, as the activities would; both must answer the same. */
async function play(model: NonceModel, address: Address, prefix: string, move: NonceMove, window: number): Promise<void> {
  switch (move.kind) {
    case 'reserve':
      return playReserve(model, address, { requestId: prefix + move.request, request: move.request, window });
    case 'free':
      free(model, move.request);
      await give(prefix + move.request);
      return;
    case 'sign':
      return playSign(model, prefix + move.request, move.request);
    case 'consume':
      return end(prefix, consume(model), randomHash());
    case 'foreign':
      return end(prefix, foreign(model), null);
    default:
      move satisfies never;
  }
}

async function playReserve(model: NonceModel, address: Address, { requestId, request, window }: { requestId: string; request: string; window: number }): Promise<void> {
  const expected = reserve(model, request, window);
  const given = await takeNonce(database.db, address, { requestId, chainNonce: model.chainNonce, window }).then(
    ({ nonce }) => nonce,
    (error: unknown) => (error as { code?: string }).code,
  );
  expect(given).toBe(expected ?? 'WINDOW_FULL');
}

async function playSign(model: NonceModel, requestId: string, request: string): Promise<void> {
  const signed = sign(model, request);
  const reservation = await getLiveReservation(database.db, requestId);
  const signable = reservation?.state === 'RESERVED' ? reservation : null;
  expect(signable?.nonce ?? null).toBe(signed);
  if (signable) await commitBytes(signable);
}

async function end(prefix: string, holder: string | null, consumedBy: `0x${string}` | null): Promise<void> {
  const reservation = holder === null ? null : await getLiveReservation(database.db, prefix + holder);
  if (reservation) await inTransaction(database.db, (tx) => endNonce(tx, reservation.id, consumedBy));
}

describe('random histories', () => {
  it('leave in the database what the rules demand, row by row', async () => {
    await assert(
      asyncProperty(historyArbitrary(25), async ({ start, window, moves }) => {
        const address = await newWallet(database.db);
        const prefix = `${randomRequestId()}-`;
        for (const request of REQUESTS) await newWithdrawal(database.db, { requestId: prefix + request });
        // The engine has asked the chain once, before the history begins.
        await inTransaction(database.db, (tx) => setNextNonce(tx, CHAIN_ID, address, start));
        const model = newModel(start);
        for (const move of moves) await play(model, address, prefix, move, window);
        const rows = (await rowsOf(address)).map(({ nonce, state, liveRequestId, generation }) => ({ nonce, state, holder: liveRequestId, generation }));
        const expected = [...model.rows].toSorted(([left], [right]) => left - right).map(([nonce, row]) => ({ nonce, ...row, holder: row.holder === null ? null : prefix + row.holder }));
        expect(rows).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});
