import { asc, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomHash } from '../../../activities/activities.testkit.ts';
import { commitAttempt } from '../../../activities/commit-attempt.ts';
import type { Address } from '../../../domain/address.ts';
import { END_STATUSES, isEnd, WITHDRAWAL_STATUSES } from '../../../domain/status.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { withdrawalEvents, withdrawalRequests } from '../../schema/index.ts';
import { listAttempts } from '../payments/attempts.ts';
import { commitCancelIntent, listOpenCancelIntents } from './cancel-intent.ts';
import { freeNonce, getLiveReservation } from '../payments/nonces.ts';
import { inTransaction, newAttempt, newWallet, newWithdrawal, randomRequestId, range, takeNonce } from '../repositories.testkit.ts';
import { getWithdrawal } from './withdrawals.ts';

let database: TestDatabase;
let wallet: Address;
beforeAll(async () => {
  database = await createTestDatabase();
  wallet = await newWallet(database.db);
});
afterAll(() => database.close());

const cancel = (requestId: string, visibility: Parameters<typeof commitCancelIntent>[2] = 'all') => commitCancelIntent(database.db, requestId, visibility, new Date());
const eventsOf = async (requestId: string) => (await database.db.select().from(withdrawalEvents).where(eq(withdrawalEvents.requestId, requestId)).orderBy(asc(withdrawalEvents.id))).map(({ type }) => type);

describe('commitCancelIntent', () => {
  it.each(['PENDING', 'AWAITING_APPROVAL', 'AWAITING_FUNDS', 'SIGNING', 'SIGNED', 'BROADCASTING', 'BROADCASTED', 'DEAD_LETTERED'] as const)('is granted at %s, and changes no status by itself', async (status) => {
    const { requestId } = await newWithdrawal(database.db, { status });
    expect(await cancel(requestId)).toMatchObject({ kind: 'intended', row: { requestId, status, cancelIntentAt: expect.any(Date) as Date } });
    expect((await getWithdrawal(database.db, requestId)).cancelIntentAt).toBeInstanceOf(Date);
    expect(await eventsOf(requestId)).toEqual(['accepted', 'cancel-requested']);
  });

  it('is refused at CONFIRMING: the payment was seen in a block', async () => {
    const { requestId } = await newWithdrawal(database.db, { status: 'CONFIRMING' });
    expect(await cancel(requestId)).toEqual({ kind: 'refused', reason: 'payment-mined', status: 'CONFIRMING' });
    expect((await getWithdrawal(database.db, requestId)).cancelIntentAt).toBeNull();
  });

  it.each(END_STATUSES)('is refused at the end %s', async (status) => {
    const { requestId } = await newWithdrawal(database.db, { status });
    expect(await cancel(requestId)).toEqual({ kind: 'refused', reason: 'ended', status });
  });

  it.each(WITHDRAWAL_STATUSES.filter((status) => !isEnd(status)))('is refused at %s once the chain has finally paid something', async (status) => {
    const { requestId } = await newWithdrawal(database.db, { status });
    await database.db.update(withdrawalRequests).set({ paidTxHash: randomHash(), hasLivePayment: true }).where(eq(withdrawalRequests.requestId, requestId));
    expect(await cancel(requestId)).toEqual({ kind: 'refused', reason: 'payment-mined', status });
  });

  it('stands as first committed, however often it is asked for', async () => {
    const { requestId } = await newWithdrawal(database.db);
    const answers = await Promise.all(range(20).map((second) => commitCancelIntent(database.db, requestId, 'all', new Date(Date.UTC(2026, 0, 1, 0, 0, second)))));
    const { cancelIntentAt } = await getWithdrawal(database.db, requestId);
    expect(answers).toEqual(range(20).map(() => expect.objectContaining({ kind: 'intended', row: expect.objectContaining({ cancelIntentAt }) as unknown }) as unknown));
    expect(await eventsOf(requestId)).toEqual(['accepted', 'cancel-requested']);
  });

  it("does not exist for another owner's withdrawal", async () => {
    const { requestId } = await newWithdrawal(database.db, { claim: { ownerId: 7 } });
    expect(await cancel(requestId, { ownerId: 8 })).toEqual({ kind: 'not-found' });
    expect(await cancel(randomRequestId())).toEqual({ kind: 'not-found' });
    expect((await getWithdrawal(database.db, requestId)).cancelIntentAt).toBeNull();
    expect(await cancel(requestId, { ownerId: 7 })).toMatchObject({ kind: 'intended' });
  });
});

describe('a cancellation against a signer', () => {
  it('fifty times over: the intent stands, and bytes are committed before it or not at all', async () => {
    const winners = { cancellation: 0, signer: 0 };
    for (const round of range(50)) {
      const { requestId } = await newWithdrawal(database.db, { status: 'SIGNING' });
      const reservation = await takeNonce(database.db, wallet, { requestId });
      const sign = () => commitAttempt(database.db, { requestId, reservation, attempt: newAttempt(reservation) });

      // Who starts first alternates, so that each has its chance.
      const early = round % 2 === 0 ? undefined : cancel(requestId);
      const [signed, cancelled] = await Promise.all([sign(), early ?? cancel(requestId)]);
      const row = await getWithdrawal(database.db, requestId);
      const committed = await listAttempts(database.db, reservation.id);

      const first = signed.kind === 'committed' ? 'signer' : 'cancellation';
      expect({ cancelled: cancelled.kind, intent: row.cancelIntentAt !== null, bytes: committed.length, live: row.hasLivePayment, status: row.status }).toEqual(
        first === 'cancellation' ? { cancelled: 'intended', intent: true, bytes: 0, live: false, status: 'SIGNING' } : { cancelled: 'intended', intent: true, bytes: 1, live: true, status: 'SIGNED' },
      );
      expect(await commitAttempt(database.db, { requestId, reservation, attempt: { ...newAttempt(reservation), ordinal: committed.length } })).toEqual({ kind: 'cancelled' });
      winners[first] += 1;
    }
    console.log(`cancellation against commit: ${winners.cancellation} to ${winners.signer}`);
  });

  it('three at once, a signer, a cancellation and the end that follows it: the nonce is freed or has bytes', async () => {
    for (const round of range(20)) {
      const { requestId } = await newWithdrawal(database.db, { status: 'SIGNING' });
      const reservation = await takeNonce(database.db, wallet, { requestId });
      const close = async () => ((await cancel(requestId)).kind === 'intended' ? inTransaction(database.db, (tx) => freeNonce(tx, requestId)) : null);
      const early = round % 2 === 0 ? undefined : close();
      const [signed, freed] = await Promise.all([commitAttempt(database.db, { requestId, reservation, attempt: newAttempt(reservation) }).catch((error: unknown) => (error as { code: string }).code), early ?? close()]);
      const bytes = await listAttempts(database.db, reservation.id);
      const live = await getLiveReservation(database.db, requestId);
      expect({ freed: freed !== null, bytes: bytes.length, live: live?.state ?? null }).toEqual(freed === null ? { freed: false, bytes: 1, live: 'SIGNED' } : { freed: true, bytes: 0, live: null });
      expect(freed === null ? [{ kind: 'committed' }] : [{ kind: 'cancelled' }, 'SERVICE_UNAVAILABLE']).toContainEqual(typeof signed === 'string' ? signed : { kind: signed.kind });
    }
  });
});

describe('listOpenCancelIntents', () => {
  it('names the intents that stand since before a time on what has not ended, page by page', async () => {
    const at = (minute: number) => new Date(Date.UTC(2020, 0, 1, 0, minute));
    const requests = [await newWithdrawal(database.db), await newWithdrawal(database.db), await newWithdrawal(database.db), await newWithdrawal(database.db)];
    const [second, first, ended, young] = requests.map(({ requestId }) => requestId);
    for (const [requestId, minute] of [[second, 2], [first, 1], [ended, 0], [young, 9]] as const) await commitCancelIntent(database.db, requestId ?? '', 'all', at(minute));
    await database.db.update(withdrawalRequests).set({ status: 'CANCELLED' }).where(eq(withdrawalRequests.requestId, ended ?? ''));
    const open = async (before: Date, after: string, limit: number) => (await listOpenCancelIntents(database.db, before, after, limit)).map(({ requestId }) => requestId);
    const [lower = '', upper = ''] = [first, second].map(String).toSorted();
    expect(await open(at(9), '', 10)).toEqual([lower, upper]);
    expect(await open(at(9), '', 1)).toEqual([lower]);
    expect(await open(at(9), lower, 1)).toEqual([upper]);
    expect(await open(at(1), '', 10)).toEqual([]);
  });
});
