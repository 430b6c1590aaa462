import { asc, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canFollow, WITHDRAWAL_STATUSES, type WithdrawalStatus } from '../../../domain/status.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { withdrawalEvents } from '../../schema/index.ts';
import { inTransaction, newWithdrawal, randomHash, randomRequestId, range } from '../repositories.testkit.ts';
import { getWithdrawal, lockWithdrawal, moveTo, setWithdrawal } from './withdrawals.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const move = (requestId: string, to: WithdrawalStatus, options: Parameters<typeof moveTo>[4] = {}) => inTransaction(database.db, (tx) => moveTo(tx, requestId, to, `to ${to}`, options));
/** The timeline after its first entry, `accepted`. */
const timelineOf = async (requestId: string) => (await database.db.select().from(withdrawalEvents).where(eq(withdrawalEvents.requestId, requestId)).orderBy(asc(withdrawalEvents.id))).slice(1);

describe('moveTo', () => {
  it('is a compare-and-set: of twenty at once one moves, and one event is written', async () => {
    const { requestId } = await newWithdrawal(database.db, { status: 'BROADCASTED' });
    const moved = await Promise.all(range(20).map(() => move(requestId, 'CONFIRMING')));
    expect(moved.filter((won) => won)).toHaveLength(1);
    expect(await timelineOf(requestId)).toMatchObject([{ type: 'to CONFIRMING', status: 'CONFIRMING', detail: {} }]);
    expect(await getWithdrawal(database.db, requestId)).toMatchObject({ status: 'CONFIRMING' });
  });

  it('lets one of two different ends win', async () => {
    for (const _ of range(10)) {
      const { requestId } = await newWithdrawal(database.db, { status: 'CONFIRMING' });
      const [completed, failed] = await Promise.all([move(requestId, 'COMPLETED'), move(requestId, 'FAILED')]);
      expect([completed, failed].filter((won) => won)).toHaveLength(1);
      expect(await getWithdrawal(database.db, requestId)).toMatchObject({ status: completed ? 'COMPLETED' : 'FAILED' });
      expect(await timelineOf(requestId)).toHaveLength(1);
    }
  });

  it('does in the database what the table of transitions says, for every pair', async () => {
    const pairs = WITHDRAWAL_STATUSES.flatMap((from) => WITHDRAWAL_STATUSES.map((to) => ({ from, to })));
    const results = await Promise.all(
      pairs.map(async ({ from, to }) => {
        const { requestId } = await newWithdrawal(database.db, { status: from });
        const moved = await move(requestId, to);
        return { from, to, moved, stands: (await getWithdrawal(database.db, requestId)).status, events: (await timelineOf(requestId)).length };
      }),
    );
    expect(results).toEqual(pairs.map(({ from, to }) => ({ from, to, moved: canFollow(from, to), stands: canFollow(from, to) ? to : from, events: canFollow(from, to) ? 1 : 0 })));
  });

  it('sets columns and writes the detail only when it moves', async () => {
    const { requestId } = await newWithdrawal(database.db, { status: 'CONFIRMING' });
    const [first, second] = [randomHash(), randomHash()];
    expect(await move(requestId, 'COMPLETED', { set: { txHash: first, hasLivePayment: false }, detail: { txHash: first, blockNumber: 7, note: null } })).toBe(true);
    expect(await move(requestId, 'COMPLETED', { set: { txHash: second } })).toBe(false);
    expect(await getWithdrawal(database.db, requestId)).toMatchObject({ txHash: first });
    expect(await timelineOf(requestId)).toMatchObject([{ detail: { txHash: first, blockNumber: 7, note: null } }]);
  });

  it('moves nothing that is not there', async () => {
    const requestId = randomRequestId();
    expect(await move(requestId, 'SIGNING')).toBe(false);
    expect(await timelineOf(requestId)).toEqual([]);
  });

  it('leaves neither status nor event when its transaction fails', async () => {
    const { requestId } = await newWithdrawal(database.db);
    const work = inTransaction(database.db, async (tx) => {
      await moveTo(tx, requestId, 'SIGNING', 'to SIGNING');
      throw new Error('the process lost its nerve');
    });
    await expect(work).rejects.toThrow('nerve');
    expect(await getWithdrawal(database.db, requestId)).toMatchObject({ status: 'PENDING' });
    expect(await timelineOf(requestId)).toEqual([]);
  });
});

describe('one payment on chain', () => {
  it('settles one withdrawal only: the database refuses a second with the same log', async () => {
    const [first, second, third] = [await newWithdrawal(database.db), await newWithdrawal(database.db), await newWithdrawal(database.db)];
    const paidTxHash = randomHash();
    const pay = (requestId: string, paidLogIndex: number) => inTransaction(database.db, (tx) => setWithdrawal(tx, requestId, { paidTxHash, paidLogIndex }));
    await pay(first.requestId, 3);
    await pay(first.requestId, 3);
    await expect(pay(second.requestId, 3)).rejects.toMatchObject({ cause: { code: 'ER_DUP_ENTRY' } });
    await pay(third.requestId, 4);
    expect(await getWithdrawal(database.db, second.requestId)).toMatchObject({ paidTxHash: null, paidLogIndex: null });
  });
});

describe('lockWithdrawal', () => {
  it('lets one decide after the other: twenty that read, add and write lose nothing', async () => {
    const { requestId } = await newWithdrawal(database.db);
    await inTransaction(database.db, (tx) => setWithdrawal(tx, requestId, { paidLogIndex: 0 }));
    await Promise.all(
      range(20).map(() =>
        inTransaction(database.db, async (tx) => {
          const { paidLogIndex } = await lockWithdrawal(tx, requestId);
          await setWithdrawal(tx, requestId, { paidLogIndex: (paidLogIndex ?? 0) + 1 });
        }),
      ),
    );
    expect(await getWithdrawal(database.db, requestId)).toMatchObject({ paidLogIndex: 20 });
  });

  it('says BOOKS_BEHIND for what is not there: its workflow began after the row', async () => {
    await expect(inTransaction(database.db, (tx) => lockWithdrawal(tx, 'tx-none'))).rejects.toMatchObject({ code: 'BOOKS_BEHIND' });
    await expect(getWithdrawal(database.db, 'tx-none')).rejects.toMatchObject({ code: 'BOOKS_BEHIND' });
  });
});
