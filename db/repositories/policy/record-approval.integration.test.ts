import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withdrawalEvents } from '../../schema/index.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { transact } from '../../transact.ts';
import { listApprovals, listUntold, setTold, setUsed, type ApprovalRow } from './approvals.ts';
import { insertDecision } from './policy-decisions.ts';
import { recordWord, takeBackWord } from './record-approval.ts';
import { newWithdrawal } from '../repositories.testkit.ts';

const SEAL_KEY = new Uint8Array(32).fill(7);
const EVER = new Date(Date.now() + 60_000);

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

describe('a word', () => {
  let requestId: string;
  beforeEach(async () => {
    ({ requestId } = await newWithdrawal(database.db, { status: 'AWAITING_APPROVAL' }));
    const now = new Date();
    await transact(database.db, (tx) =>
      insertDecision(tx, { requestId, policyVersion: 1, ruleId: 'large', ownerId: 1, chainId: 80_002, currency: 'USDC', amount: 1n, limitBucket: now, approvalsRequired: 1, approvers: null, approvalDeadline: EVER, decidedAt: now }),
    );
  });
  const approve = async (approverId = 7): Promise<ApprovalRow> => {
    const word = await recordWord(database.db, SEAL_KEY, { requestId, approverId, decision: 'APPROVE', reason: null });
    if (word.kind !== 'recorded') throw new Error(word.kind);
    return word.approval;
  };
  const events = async () => (await database.db.select().from(withdrawalEvents).where(eq(withdrawalEvents.requestId, requestId))).map(({ type }) => type);

  it('that took no effect is taken back, once', async () => {
    const approval = await approve();
    expect(await takeBackWord(database.db, approval)).toBe(true);
    expect(await takeBackWord(database.db, approval)).toBe(true);
    expect(await listApprovals(database.db, requestId)).toEqual([]);
    expect((await events()).filter((type) => type === 'came too late: not counted')).toHaveLength(1);
  });

  it('that took effect stands', async () => {
    const approval = await approve();
    await transact(database.db, (tx) => setUsed(tx, requestId, new Date()));
    expect(await takeBackWord(database.db, approval)).toBe(false);
    expect(await listApprovals(database.db, requestId)).toMatchObject([{ id: approval.id, usedAt: expect.any(Date), toldAt: expect.any(Date) }]);
  });

  it('waits to be told until it was, and a young one is left to who gave it', async () => {
    const approval = await approve();
    const untold = async (before: Date) => (await listUntold(database.db, before, 0, 100)).filter((row) => row.requestId === requestId);
    expect(await untold(new Date(Date.now() - 1_000))).toEqual([]);
    expect(await untold(EVER)).toEqual([{ id: approval.id, requestId, decision: 'APPROVE', status: 'AWAITING_APPROVAL' }]);
    await setTold(database.db, approval.id, new Date(1_000));
    await setTold(database.db, approval.id, new Date(2_000));
    expect(await untold(EVER)).toEqual([]);
    expect((await listApprovals(database.db, requestId))[0]?.toldAt).toEqual(new Date(1_000));
  });
});
