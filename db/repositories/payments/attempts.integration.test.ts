import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../../../domain/address.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { isDuplicateKey } from '../../transact.ts';
import { endAttempts, insertAttempt, listAttempts, markBroadcasted, type AttemptRow, type NewAttempt } from './attempts.ts';
import type { NonceReservationRow } from './nonces.ts';
import { inTransaction, newAttempt, newWallet, randomHash, range, takeNonce } from '../repositories.testkit.ts';

let database: TestDatabase;
let wallet: Address;
let reservation: NonceReservationRow;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  wallet = await newWallet(database.db);
  reservation = await takeNonce(database.db, wallet);
});

const insert = (options: Partial<NewAttempt> = {}) => inTransaction(database.db, (tx) => insertAttempt(tx, newAttempt(reservation, options)));
const attempts = () => listAttempts(database.db, reservation.id);
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const statuses = (rows: readonly AttemptRow[]) => rows.map(({ status }) => status);

describe('committing bytes', () => {
  it('keeps them to the last digit, oldest first', async () => {
    const value = 10n ** 64n + 1n;
    for (const ordinal of [0, 1, 2]) await insert({ ordinal, value, maxFeePerGas: 50_000_000_001n });
    const rows = await attempts();
    expect(rows.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2]);
    expect(rows[0]).toMatchObject({ value, maxFeePerGas: 50_000_000_001n, status: 'SIGNED', retryCount: 0, broadcastedAt: null, confirmedAt: null });
  });

  it('lets one of twenty signers have an ordinal', async () => {
    const results = await Promise.allSettled(range(20).map(() => insert()));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(results.filter((result) => result.status === 'rejected' && isDuplicateKey(result.reason))).toHaveLength(19);
    expect(await attempts()).toHaveLength(1);
  });

  it('takes one hash once, whatever nonce it claims', async () => {
    const txHash = randomHash();
    await insert({ txHash });
    expect(isDuplicateKey(await failureOf(insert({ txHash, ordinal: 1 })))).toBe(true);
    const other = await takeNonce(database.db, await newWallet(database.db));
    expect(isDuplicateKey(await failureOf(inTransaction(database.db, (tx) => insertAttempt(tx, newAttempt(other, { txHash })))))).toBe(true);
  });
});

describe('handing bytes to a node', () => {
  it('notes the first time, and counts the ones after it', async () => {
    await insert();
    const [signed] = await attempts();
    const seen: AttemptRow[] = [];
    for (const _ of range(3)) {
      await inTransaction(database.db, (tx) => markBroadcasted(tx, signed?.id ?? 0));
      seen.push(...(await attempts()));
    }
    expect(seen.map(({ status, retryCount }) => ({ status, retryCount }))).toEqual(range(3).map((retryCount) => ({ status: 'BROADCASTED', retryCount })));
    expect(seen[0]?.broadcastedAt).toBeInstanceOf(Date);
    expect(new Set(seen.map(({ broadcastedAt }) => broadcastedAt?.getTime())).size).toBe(1);
    expect(Math.abs(Date.now() - (seen[0]?.broadcastedAt?.getTime() ?? 0))).toBeLessThan(60_000);
  });

  it('does not bring back what has ended', async () => {
    await insert();
    const [row] = await attempts();
    await inTransaction(database.db, (tx) => endAttempts(tx, reservation.id, null, 'DROPPED'));
    await inTransaction(database.db, (tx) => markBroadcasted(tx, row?.id ?? 0));
    expect(statuses(await attempts())).toEqual(['DROPPED']);
  });
});

describe('ending the attempts of a nonce', () => {
  it.each([
    ['CONFIRMED', 'REPLACED', ['REPLACED', 'CONFIRMED', 'REPLACED']],
    ['REVERTED', 'REPLACED', ['REPLACED', 'REVERTED', 'REPLACED']],
  ] as const)('names the winner %s and the others %s, also when told twice', async (status, others, expected) => {
    const own = range(3).map(() => randomHash());
    for (const [ordinal, txHash] of own.entries()) await insert({ ordinal, txHash });
    const [row] = await attempts();
    await inTransaction(database.db, (tx) => markBroadcasted(tx, row?.id ?? 0));

    const end = () => inTransaction(database.db, (tx) => endAttempts(tx, reservation.id, { txHash: own[1] ?? '0x', status }, others));
    await end();
    const first = await attempts();
    expect(statuses(first)).toEqual(expected);
    expect(first.map(({ confirmedAt }) => confirmedAt !== null)).toEqual([false, true, false]);
    await end();
    expect(await attempts()).toEqual(first);
  });

  it('drops all of them when a stranger won', async () => {
    for (const ordinal of [0, 1]) await insert({ ordinal });
    await inTransaction(database.db, (tx) => endAttempts(tx, reservation.id, null, 'DROPPED'));
    expect(statuses(await attempts())).toEqual(['DROPPED', 'DROPPED']);
  });

  it("leaves another nonce's attempts alone", async () => {
    await insert();
    const other = await takeNonce(database.db, wallet);
    await inTransaction(database.db, (tx) => endAttempts(tx, other.id, null, 'DROPPED'));
    expect(statuses(await attempts())).toEqual(['SIGNED']);
  });
});
