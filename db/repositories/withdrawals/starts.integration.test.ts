import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOf } from '../../../domain/withdrawal-start.ts';
import { END_STATUSES, isEnd, WITHDRAWAL_STATUSES } from '../../../domain/status.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { outbox } from '../../schema/index.ts';
import { listWaitingStarts, markDispatched } from './outbox.ts';
import { newWithdrawal, randomRequestId } from '../repositories.testkit.ts';
import type { WithdrawalRow } from './withdrawals.ts';
import { getStarts, listUnended } from './starts.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
const dispatchedAt = async (requestId: string) => (await database.db.select().from(outbox).where(eq(outbox.requestId, requestId)))[0]?.dispatchedAt;

describe('the starts that wait', () => {
  it('are those accepted before a time and not dispatched, oldest first, as many as asked for', async () => {
    const [first, second, third] = [await newWithdrawal(database.db, { acceptedAt: at(1) }), await newWithdrawal(database.db, { acceptedAt: at(2) }), await newWithdrawal(database.db, { acceptedAt: at(5) })];
    const waiting = async (before: Date, limit = 10) => (await listWaitingStarts(database.db, before, limit)).map(({ requestId }) => requestId);
    expect(await waiting(at(5))).toEqual([first.requestId, second.requestId]);
    expect(await waiting(at(6), 2)).toEqual([first.requestId, second.requestId]);
    await markDispatched(database.db, first.requestId, at(7));
    expect(await waiting(at(6))).toEqual([second.requestId, third.requestId]);
    expect(await waiting(at(1))).toEqual([]);
  });

  it('carry what starting takes, of the very key that was used', async () => {
    const claim = { ownerId: 41, keyHash: 'a'.repeat(64) };
    // The same key of another owner, and another key of the same owner, are other withdrawals.
    await newWithdrawal(database.db, { claim: { ownerId: 42, keyHash: claim.keyHash }, acceptedAt: at(0) });
    await newWithdrawal(database.db, { claim: { ownerId: 41, keyHash: 'b'.repeat(64) }, acceptedAt: at(0) });
    const row = await newWithdrawal(database.db, { claim: { ...claim, bodyHash: 'c'.repeat(64) }, acceptedAt: at(0) });
    const { requestId } = row;
    const start = startOf({ ...row, keyHash: claim.keyHash, bodyHash: 'c'.repeat(64) });
    expect((await listWaitingStarts(database.db, at(1), 100)).filter((waiting) => waiting.requestId === requestId)).toEqual([{ ...start, acceptedAt: at(0) }]);
    expect(await getStarts(database.db, [requestId])).toEqual([start]);
  });
});

describe('markDispatched', () => {
  it('keeps the first time, and knows nothing of others', async () => {
    const [first, other] = [await newWithdrawal(database.db), await newWithdrawal(database.db)];
    await markDispatched(database.db, first.requestId, at(1));
    await markDispatched(database.db, first.requestId, at(2));
    await markDispatched(database.db, randomRequestId(), at(3));
    expect([await dispatchedAt(first.requestId), await dispatchedAt(other.requestId)]).toEqual([at(1), null]);
  });
});

describe('getStarts', () => {
  it('leaves out what has ended and what nobody knows', async () => {
    const rows = await Promise.all(WITHDRAWAL_STATUSES.map((status) => newWithdrawal(database.db, { status })));
    const starts = await getStarts(database.db, [...rows.map(({ requestId }) => requestId), randomRequestId()]);
    const running = rows.filter(({ status }) => !isEnd(status)).map(({ requestId }) => requestId);
    expect(starts.map(({ requestId }) => requestId).toSorted()).toEqual(running.toSorted());
    expect(rows.length - running.length).toBe(END_STATUSES.length);
  });

  it('asks nothing for nobody', async () => {
    expect(await getStarts(database.db, [])).toEqual([]);
  });
});

describe('listUnended', () => {
  it('goes round all that have not ended and were started long enough ago, a page at a time', async () => {
    const rows: WithdrawalRow[] = [];
    for (const status of ['PENDING', 'CONFIRMING', 'COMPLETED', 'DEAD_LETTERED'] as const) rows.push(await newWithdrawal(database.db, { status, acceptedAt: at(0) }));
    for (const { requestId } of rows) await markDispatched(database.db, requestId, at(1));
    const young = await newWithdrawal(database.db);
    await markDispatched(database.db, young.requestId, at(9));
    const all = await listUnended(database.db, '', at(5), 1_000);
    const expected = rows.filter(({ status }) => status !== 'COMPLETED').map(({ requestId }) => requestId).toSorted();
    expect(all.filter((requestId) => rows.some((row) => row.requestId === requestId))).toEqual(expected);
    expect(all).not.toContain(young.requestId);
    const pages: string[] = [];
    for (let page = await listUnended(database.db, '', at(5), 2); page.length > 0; page = await listUnended(database.db, page.at(-1) ?? '', at(5), 2)) pages.push(...page);
    expect(pages).toEqual(all);
  });
});
