import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../tests/harness/database.ts';
import { createBooksCheck } from './books-check.ts';
import { RECOVERY_HALT, type SeenWorkflow } from './repositories/payments/books.ts';
import { liftHalt, listHalts } from './repositories/operations/halts.ts';
import { listOpenAlerts } from './repositories/operations/alerts.ts';
import { newWithdrawal, randomRequestId } from './repositories/repositories.testkit.ts';
import { withdrawalRequests } from './schema/index.ts';

let database: TestDatabase;
let errors: object[];
beforeEach(async () => {
  database = await createTestDatabase();
  errors = [];
});
afterEach(() => database.close());

/** A check over a Temporal that shows `workflows`, and what it was asked. */
function checkOver(workflows: SeenWorkflow[]) {
  const asked: { since: Date; limit: number }[] = [];
  const check = createBooksCheck({
    db: database.db,
    chainId: 80002,
    setBy: 'test',
    listStartedSince: async (since, limit) => {
      asked.push({ since, limit });
      return workflows;
    },
    log: { error: (fields) => errors.push(fields) },
  });
  return { check, asked };
}

describe('the books against Temporal', () => {
  it('agree while every workflow has its row, and every completed one has ended', async () => {
    const acceptedAt = new Date('2026-11-24T04:00:00.000Z');
    const open = await newWithdrawal(database.db, { status: 'CONFIRMING', acceptedAt });
    const ended = await newWithdrawal(database.db, { status: 'FAILED', acceptedAt });
    const { check, asked } = checkOver([{ requestId: open.requestId, completed: false }, { requestId: ended.requestId, completed: true }]);
    expect(await check()).toBe(false);
    expect(await listHalts(database.db)).toEqual([]);
    // Only what was started since the newest row, give or take the clocks.
    expect(asked[0]?.since).toEqual(new Date('2026-11-24T03:59:00.000Z'));
    await check();
    expect(asked[1]?.limit).toBeLessThan(asked[0]?.limit ?? 0);
  });

  it('are behind when a workflow has no row: a halt and one alert, however often it is seen', async () => {
    const requestId = randomRequestId();
    const { check } = checkOver([{ requestId, completed: false }]);
    expect([await check(), await check()]).toEqual([true, true]);
    expect(await listHalts(database.db)).toMatchObject([{ ...RECOVERY_HALT, reason: expect.stringContaining(requestId) }]);
    expect(await listOpenAlerts(database.db)).toMatchObject([{ kind: 'BOOKS_BEHIND', timesSeen: 2 }]);
    expect(errors).toHaveLength(1);
  });

  it('are behind when a completed workflow has a row that goes on', async () => {
    const { requestId } = await newWithdrawal(database.db, { status: 'BROADCASTED' });
    expect(await checkOver([{ requestId, completed: true }]).check()).toBe(true);
  });

  it('are behind when one that was seen running has completed meanwhile, and its row goes on', async () => {
    const { requestId } = await newWithdrawal(database.db, { status: 'BROADCASTED' });
    const workflows = [{ requestId, completed: false }];
    const { check } = checkOver(workflows);
    expect([await check(), await check()]).toEqual([false, false]);
    workflows[0] = { requestId, completed: true };
    expect(await check()).toBe(true);
  });

  it('agree while a newer run goes on beside a completed one, as after a recovery', async () => {
    const { requestId } = await newWithdrawal(database.db, { status: 'BROADCASTED' });
    const workflows = [{ requestId, completed: false }, { requestId, completed: true }];
    const { check } = checkOver(workflows);
    expect(await check()).toBe(false);
    workflows.reverse();
    expect(await check()).toBe(false);
    // And what was seen completed before the database was set back is not held against the recovered row.
    await database.db.update(withdrawalRequests).set({ status: 'COMPLETED' }).where(eq(withdrawalRequests.requestId, requestId));
    workflows.splice(0, 2, { requestId, completed: true });
    expect(await check()).toBe(false);
    await database.db.update(withdrawalRequests).set({ status: 'BROADCASTED' }).where(eq(withdrawalRequests.requestId, requestId));
    workflows.length = 0;
    expect(await check()).toBe(false);
  });

  it('are behind when rows go away that were seen before, though newer ones hide it from the list', async () => {
    const { requestId } = await newWithdrawal(database.db);
    const workflows = [{ requestId, completed: false }];
    const { check } = checkOver(workflows);
    expect(await check()).toBe(false);
    await database.db.delete(withdrawalRequests).where(eq(withdrawalRequests.requestId, requestId));
    workflows.length = 0;
    await newWithdrawal(database.db);
    expect(await check()).toBe(true);
  });

  it('say so as long as the halt stands, whoever set it', async () => {
    const { check } = checkOver([]);
    await checkOver([{ requestId: randomRequestId(), completed: false }]).check();
    expect(await check()).toBe(true);
    await liftHalt(database.db, RECOVERY_HALT);
    expect(await check()).toBe(false);
  });
});
