import { WorkflowNotFoundError } from '@temporalio/client';
import { Wallet } from 'ethers';
import { asc, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { commitCancelIntent } from '../../db/repositories/withdrawals/cancel-intent.ts';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { recordWord } from '../../db/repositories/policy/record-approval.ts';
import { approvals, limitBuckets, policyDecisions, withdrawalEvents, withdrawalRequests } from '../../db/schema/index.ts';
import { workflowIdOf } from '../../domain/request-id.ts';
import type { Policy } from '../../domain/policy.ts';
import { startTestApi, type TestAccount, type TestApi } from '../../api/api.testkit.ts';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { startTcpProxy } from '../harness/tcp-proxy.ts';
import { paidTo } from '../harness/transfers.ts';

/** Base units, by what the policy below asks for them. */
const SMALL = 2_000_000n;
const BY_TWO = 1_000_000_000n;
const BY_ONE = 2_000_000_000n;
const BY_TWO_BRIEFLY = 3_000_000_000n;
const BY_ONE_BRIEFLY = 4_000_000_000n;

const byPeople = (id: string, atLeast: string, required: number, withinMs: number): Policy['rules'][number] => ({ id, when: { amount: { atLeast } }, action: { approvals: { required, withinMs } } });
const POLICY: Policy = {
  rules: [
    byPeople('one-briefly', '4000', 1, 4_000),
    byPeople('two-briefly', '3000', 2, 3_000),
    byPeople('one', '2000', 1, 600_000),
    byPeople('two', '1000', 2, 600_000),
    { id: 'small', when: {}, action: { allow: true } },
  ],
};

const NOTHING = { total: 0n, payments: 0 };

let engine: TestEngine;
let api: TestApi;
beforeAll(async () => {
  engine = await startEngine({ settings: (settings) => ({ ...settings, policy: POLICY }) });
  api = await startTestApi({ engine });
});
afterAll(async () => {
  await api.close();
  await engine.stop();
});

interface Payment {
  requestId: string;
  recipient: string;
  amount: bigint;
}

async function accept(amount: bigint): Promise<Payment> {
  const recipient = Wallet.createRandom().address;
  return { requestId: await engine.accept({ currency: 'USDC', toAddress: recipient, amount }), recipient, amount };
}
async function awaiting(amount: bigint): Promise<Payment> {
  const payment = await accept(amount);
  await engine.until(payment.requestId, ['AWAITING_APPROVAL']);
  return payment;
}
const awaitingMany = (count: number, amount: bigint) => Promise.all(Array.from({ length: count }, () => awaiting(amount)));

const say = (word: 'approve' | 'reject' | 'cancel', { requestId }: Payment, by: TestAccount, through = api) =>
  through.app.inject({ method: 'POST', url: `/admin/transactions/${requestId}/${word}`, headers: { authorization: by.bearer }, payload: word === 'reject' ? { reason: 'not verified' } : {} });
const wordsOn = ({ requestId }: Payment) => engine.database.db.select().from(approvals).where(eq(approvals.requestId, requestId)).orderBy(asc(approvals.id));
const eventsOf = async ({ requestId }: Payment) => (await engine.database.db.select().from(withdrawalEvents).where(eq(withdrawalEvents.requestId, requestId)).orderBy(asc(withdrawalEvents.id))).map(({ type }) => type);
const attemptsOf = ({ requestId }: Payment) => engine.database.db.query.signedTransactions.findMany({ where: (table, { eq: is }) => is(table.requestId, requestId) });
const noncesOf = ({ requestId }: Payment) => engine.database.db.query.nonceReservations.findMany({ where: (table, { eq: is }) => is(table.requestId, requestId) });
const fundsOf = ({ requestId }: Payment) => engine.database.db.query.fundReservations.findFirst({ where: (table, { eq: is }) => is(table.requestId, requestId) });
const onceOf = ({ amount }: Payment) => ({ total: amount, payments: 1 });
const received = ({ recipient }: Payment) => paidTo(engine.chain, engine.chain.tokens.TestUSDC, recipient);
const sweep = () => engine.client.workflow.execute('sweep', { taskQueue: TASK_QUEUES.withdrawals, workflowId: 'sweep-by-hand' });
const countedInLimits = async () => (await engine.database.db.select().from(limitBuckets)).reduce((sum, { amount }) => sum + amount, 0n);
const historyOf = async ({ requestId }: Payment) => (await engine.handle(requestId).fetchHistory()).events ?? [];
const failedTasks = async (payment: Payment) => (await historyOf(payment)).filter((event) => event.workflowTaskFailedEventAttributes).length;

async function expectPaidOnce(payment: Payment): Promise<void> {
  await engine.until(payment.requestId, ['COMPLETED']);
  expect(await received(payment)).toEqual(onceOf(payment));
  expect((await noncesOf(payment)).length).toBe(1);
}

/** Ended without having touched a nonce, and nothing of it is held or counted any more. */
async function expectRejected(payment: Payment, errorCode: string): Promise<void> {
  expect(await engine.until(payment.requestId, ['REJECTED', 'COMPLETED'])).toMatchObject({ status: 'REJECTED', errorCode, hasLivePayment: false });
  expect(await engine.handle(payment.requestId).result()).toBe('REJECTED');
  expect(await received(payment)).toEqual(NOTHING);
  expect(await noncesOf(payment)).toEqual([]);
  expect(await fundsOf(payment)).toMatchObject({ state: 'RELEASED', spentAmount: 0n, spentGasWei: 0n });
}

/** What comes after it on the same wallet is paid, and no nonce of the wallet was left out. */
async function expectLaterOnesGoOn(): Promise<void> {
  const later = await accept(SMALL);
  await engine.until(later.requestId, ['COMPLETED']);
  const nonces = (await engine.database.db.query.nonceReservations.findMany()).map(({ nonce }) => nonce);
  expect(nonces.toSorted((left, right) => left - right)).toEqual(nonces.map((_, index) => index));
}

describe('a large withdrawal', () => {
  it('waits for as many people as the policy asks for, then is paid once', async () => {
    const payment = await awaiting(BY_TWO);
    expect(await fundsOf(payment)).toMatchObject({ state: 'HELD' });
    // Shown with the end of the workflow's task, a moment after the row says so.
    await expect.poll(async () => (await engine.searchAttributesOf(payment.requestId))['WithdrawalStatus'], { timeout: 10_000 }).toBe('AWAITING_APPROVAL');
    const first = await say('approve', payment, api.admin);
    expect(first.statusCode).toBe(202);
    expect(first.json()).toMatchObject({ status: 'AWAITING_APPROVAL', outcome: 'NOT_SENT', approvals: { required: 2, approvedAt: null, given: [{ decision: 'APPROVE' }] } });
    expect(await wordsOn(payment)).toMatchObject([{ toldAt: expect.any(Date), usedAt: null }]);
    expect((await say('approve', payment, api.admin)).statusCode).toBe(202);
    expect(await noncesOf(payment)).toEqual([]);

    expect((await say('approve', payment, api.approver)).statusCode).toBe(202);
    await expectPaidOnce(payment);
    expect(await wordsOn(payment)).toMatchObject([{ usedAt: expect.any(Date) }, { usedAt: expect.any(Date) }]);
    expect((await api.get(`/withdrawals/${payment.requestId}`, api.admin)).json()).toMatchObject({ status: 'COMPLETED', approvals: { approvedAt: expect.any(String), given: [{ approver: { id: api.admin.id } }, { approver: { id: api.approver.id } }] } });
    expect((await say('approve', payment, await api.account('ADMIN'))).statusCode).toBe(409);
  });

  it('is rejected by one person: funds and limits are free again, and no nonce was taken', async () => {
    const before = await countedInLimits();
    const payment = await awaiting(BY_TWO);
    // Its owner's, and everyone's.
    expect(await countedInLimits()).toBe(before + 2n * BY_TWO);
    await say('approve', payment, api.admin);
    expect((await say('reject', payment, api.approver)).statusCode).toBe(202);
    await expectRejected(payment, 'REJECTED_BY_APPROVER');
    expect(await countedInLimits()).toBe(before);
    await expectLaterOnesGoOn();
  });

  it('expires with too few, and a word that comes later is refused', async () => {
    const before = await countedInLimits();
    const payment = await awaiting(BY_TWO_BRIEFLY);
    expect((await say('approve', payment, api.admin)).statusCode).toBe(202);
    await expectRejected(payment, 'APPROVAL_EXPIRED');
    expect((await say('approve', payment, api.approver)).json()).toMatchObject({ details: [{ reason: 'ended' }] });
    expect(await countedInLimits()).toBe(before);
    await expectLaterOnesGoOn();
  });

  it('is never approved by who asked for it, an ADMIN or not', async () => {
    const payment = await awaiting(BY_ONE);
    await engine.database.pool.query('UPDATE users SET role = ? WHERE id = ?', ['ADMIN', api.user.id]);
    const refused = await say('approve', payment, api.user);
    expect(refused.statusCode).toBe(409);
    expect(refused.json()).toMatchObject({ details: [{ reason: 'requester' }] });
    expect((await engine.row(payment.requestId)).status).toBe('AWAITING_APPROVAL');
    await engine.database.pool.query('UPDATE users SET role = ? WHERE id = ?', ['USER', api.user.id]);
    expect((await say('approve', payment, api.admin)).statusCode).toBe(202);
    await expectPaidOnce(payment);
  });
});

describe('races', () => {
  it('of twenty approvers: exactly two take effect, and it is paid once', async () => {
    const people = await Promise.all(Array.from({ length: 20 }, () => api.account('ADMIN')));
    const payments = await awaitingMany(3, BY_TWO);
    for (const payment of payments) {
      const answers = await Promise.all(people.map((person) => say('approve', payment, person)));
      expect(answers.filter(({ statusCode }) => statusCode === 202)).toHaveLength(2);
      expect(answers.filter(({ statusCode }) => statusCode === 409)).toHaveLength(18);
      await expectPaidOnce(payment);
      const words = await wordsOn(payment);
      expect(words).toHaveLength(2);
      expect(words.every(({ usedAt }) => usedAt !== null)).toBe(true);
      expect((await eventsOf(payment)).filter((type) => type === 'approved')).toHaveLength(1);
    }
  });

  it('of an approval and a rejection: the first decides, and what was answered is what happens', async () => {
    const payments = await awaitingMany(6, BY_ONE);
    for (const [index, payment] of payments.entries()) {
      const words = [() => say('approve', payment, api.admin), () => say('reject', payment, api.approver)];
      const answers = await Promise.all((index % 2 === 0 ? words : words.toReversed()).map((word) => word()));
      const [approved, rejected] = index % 2 === 0 ? answers : answers.toReversed();
      expect(new Set([approved?.statusCode, rejected?.statusCode])).toEqual(new Set([202, 409]));
      if (approved?.statusCode === 202) await expectPaidOnce(payment);
      else await expectRejected(payment, 'REJECTED_BY_APPROVER');
    }
  });

  it('of the last approval and the deadline: 202 is paid, 409 is not', async () => {
    const payments = await awaitingMany(8, BY_ONE_BRIEFLY);
    const outcomes = await Promise.all(
      payments.map(async (payment, index) => {
        const [decision] = await engine.database.db.select().from(policyDecisions).where(eq(policyDecisions.requestId, payment.requestId));
        // From 35 ms before the deadline to 35 ms after it.
        const at = (decision?.approvalDeadline?.getTime() ?? 0) + (index - 3.5) * 10;
        await new Promise((resolve) => setTimeout(resolve, at - Date.now()));
        return { payment, answer: await say('approve', payment, api.admin) };
      }),
    );
    for (const { payment, answer } of outcomes) {
      if (answer.statusCode === 202) await expectPaidOnce(payment);
      else {
        expect(answer.statusCode).toBe(409);
        await expectRejected(payment, 'APPROVAL_EXPIRED');
        expect(await wordsOn(payment)).toEqual([]);
      }
    }
    await expectLaterOnesGoOn();
  });

  it('of the last approval and a cancellation: paid once or not at all, and the withdrawal says which', async () => {
    const payments = await awaitingMany(6, BY_TWO);
    for (const payment of payments) await say('approve', payment, api.admin);
    const cancelled = await Promise.all(payments.map(async (payment) => (await Promise.all([say('cancel', payment, api.admin), say('approve', payment, api.approver)]))[0].statusCode));
    for (const [index, payment] of payments.entries()) {
      const { status } = await engine.until(payment.requestId, ['CANCELLED', 'COMPLETED']);
      expect(await received(payment)).toEqual(status === 'COMPLETED' ? onceOf(payment) : NOTHING);
      const shown = (await api.get(`/withdrawals/${payment.requestId}`)).json<{ cancellation?: { result: string } }>();
      // Refused once the payment was seen in a block.
      expect(shown.cancellation?.result).toBe(cancelled[index] === 409 ? undefined : status === 'COMPLETED' ? 'paid-first' : 'cancelled');
    }
    await expectLaterOnesGoOn();
  });

  it('of a word and a workflow that waits for none any more: it is taken back, and the answer says so', async () => {
    await engine.chain.rpc.call('evm_setIntervalMining', [0]);
    const payment = await awaiting(BY_ONE);
    expect((await say('approve', payment, api.admin)).statusCode).toBe(202);
    const row = await engine.until(payment.requestId, ['BROADCASTED']);
    // As an API sees it whose clock is behind that of the worker which saw the deadline pass.
    const behind = async (status: typeof row.status, words: boolean) => {
      await engine.database.db.update(withdrawalRequests).set({ status }).where(eq(withdrawalRequests.requestId, payment.requestId));
      await engine.database.db.update(approvals).set({ requestId: words ? payment.requestId : 'elsewhere' }).where(eq(approvals.requestId, words ? 'elsewhere' : payment.requestId));
    };
    await behind('AWAITING_APPROVAL', false);
    const late = await say('approve', payment, api.approver);
    expect(late.statusCode).toBe(409);
    expect(late.json()).toMatchObject({ details: [{ reason: 'deadline-passed' }] });
    expect(await wordsOn(payment)).toEqual([]);
    await behind(row.status, true);
    await engine.chain.rpc.call('evm_setIntervalMining', [1]);
    await expectPaidOnce(payment);
    expect(await wordsOn(payment)).toHaveLength(1);
  });
});

describe('without its workflow', () => {
  it('an approval is answered while Temporal is away, and the sweeper tells it', async () => {
    const payment = await awaiting(BY_TWO);
    const cutOff = await startTestApi({ engine, temporalAddress: '127.0.0.1:9' });
    try {
      for (const person of [cutOff.admin, cutOff.approver]) expect((await say('approve', payment, person, cutOff)).statusCode).toBe(202);
    } finally {
      await cutOff.close();
    }
    expect(await wordsOn(payment)).toMatchObject([{ toldAt: null, usedAt: null }, { toldAt: null, usedAt: null }]);
    await engine.database.pool.query('UPDATE approvals SET created_at = ? WHERE request_id = ?', [new Date(Date.now() - 60_000), payment.requestId]);
    await sweep();
    await expectPaidOnce(payment);
    expect(await wordsOn(payment)).toMatchObject([{ toldAt: expect.any(Date), usedAt: expect.any(Date) }, { toldAt: expect.any(Date), usedAt: expect.any(Date) }]);
  });

  it('an approval is answered in seconds while Temporal does not answer', async () => {
    const proxy = await startTcpProxy(Number(inject('infrastructure').temporalAddress.split(':')[1]));
    const waiting = await startTestApi({ engine, temporalAddress: proxy.address });
    // What the first call of a process builds is not what an answer may take.
    await waiting.app.ready();
    try {
      const payment = await awaiting(BY_ONE);
      proxy.inject({ kind: 'stall' });
      const askedAt = Date.now();
      expect((await say('approve', payment, waiting.admin, waiting)).statusCode).toBe(202);
      expect(Date.now() - askedAt).toBeLessThan(6_000);
      expect(await wordsOn(payment)).toMatchObject([{ toldAt: null }]);
      await engine.database.pool.query('UPDATE approvals SET created_at = ? WHERE request_id = ?', [new Date(Date.now() - 60_000), payment.requestId]);
      await sweep();
      await expectPaidOnce(payment);
    } finally {
      await proxy.stop();
      await waiting.close();
    }
  });

  it('words on a run that was terminated count in the one that is started anew', async () => {
    const payment = await awaiting(BY_TWO);
    await say('approve', payment, api.admin);
    await engine.handle(payment.requestId).terminate('by hand');
    expect((await say('approve', payment, api.approver)).statusCode).toBe(202);
    await expect
      .poll(
        async () => {
          await sweep();
          return (await engine.handle(payment.requestId).describe()).status.name;
        },
        { timeout: 30_000 },
      )
      .not.toBe('TERMINATED');
    await expectPaidOnce(payment);
  });
});

describe('a count that takes long', () => {
  it('while more is said: a worker that replays it later goes on all the same', { timeout: 180_000 }, async () => {
    const payment = await awaiting(BY_TWO);
    const handle = engine.handle(payment.requestId);
    const holder = await engine.database.pool.getConnection();
    try {
      await holder.beginTransaction();
      await holder.query('SELECT 1 FROM withdrawal_requests WHERE request_id = ? FOR UPDATE', [payment.requestId]);
      const before = (await handle.describe()).historyLength;
      await handle.signal('approve', 0);
      // Longer than a workflow task may take: the count goes on beside the next tasks, which bring what is said meanwhile.
      await expect.poll(async () => (await handle.describe()).historyLength, { timeout: 20_000 }).toBeGreaterThan(before + 4);
      for (let index = 0; index < 3; index += 1) await handle.signal('approve', 0);
    } finally {
      await holder.rollback();
      holder.release();
    }
    await handle.executeUpdate('approve', { args: [0] });
    await engine.stopRoles();
    await engine.startRoles();
    for (const person of [api.admin, api.approver]) expect((await say('approve', payment, person)).statusCode).toBe(202);
    await expectPaidOnce(payment);
    expect(await failedTasks(payment)).toBe(0);
  });
});

describe('messages by hand', () => {
  it('approve nothing, whatever they carry, and hurt nobody', async () => {
    const payment = await awaiting(BY_ONE);
    const other = await awaiting(BY_ONE);
    // The only word there is, on the other one.
    const word = await recordWord(engine.database.db, engine.sealKey, { requestId: other.requestId, approverId: api.admin.id, decision: 'APPROVE', reason: null });
    if (word.kind !== 'recorded') throw new Error(word.kind);
    const handle = engine.handle(payment.requestId);
    for (const name of ['approve', 'reject']) {
      for (const args of [[999_999], [word.approval.id], ['approve it'], [{ id: 1 }, 'more', null], []]) {
        await handle.signal(name, ...args);
        await handle.executeUpdate<void, [unknown, ...unknown[]]>(name, { args: args as [unknown, ...unknown[]] });
      }
      // What no payload converter reads.
      await engine.client.workflowService.signalWorkflowExecution({
        namespace: engine.client.options.namespace,
        workflowExecution: { workflowId: workflowIdOf(payment.requestId) },
        signalName: name,
        input: { payloads: [{ metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{not json') }, { metadata: { encoding: Buffer.from('what/ever') }, data: Buffer.from([0, 255]) }] },
      });
    }
    // Answered only after every message before it was handled.
    await handle.executeUpdate('approve', { args: [0] });
    expect(await engine.row(payment.requestId)).toMatchObject({ status: 'AWAITING_APPROVAL' });
    expect(await failedTasks(payment)).toBe(0);
    expect(await attemptsOf(payment)).toEqual([]);
    expect((await say('approve', payment, api.admin)).statusCode).toBe(202);
    await expectPaidOnce(payment);
    await handle.result();
    await expect(handle.executeUpdate('approve', { args: [word.approval.id] })).rejects.toBeInstanceOf(WorkflowNotFoundError);
    expect(await received(payment)).toEqual(onceOf(payment));
  });

  it('are refused once nobody’s approval is waited for', async () => {
    await engine.chain.rpc.call('evm_setIntervalMining', [0]);
    const payment = await accept(SMALL);
    await engine.until(payment.requestId, ['BROADCASTED']);
    await expect(engine.handle(payment.requestId).executeUpdate('approve', { args: [1] })).rejects.toMatchObject({ cause: { type: 'INVALID_STATE' } });
    await engine.chain.rpc.call('evm_setIntervalMining', [1]);
    await engine.until(payment.requestId, ['COMPLETED']);
  });
});

describe('a reset', () => {
  async function resetTo(payment: Payment, runId: string, workflowTaskFinishEventId: NonNullable<Awaited<ReturnType<typeof historyOf>>[number]['eventId']>): Promise<void> {
    const handle = engine.handle(payment.requestId);
    const last = (await handle.describe()).runId;
    await engine.client.workflowService.resetWorkflowExecution({
      namespace: engine.client.options.namespace,
      workflowExecution: { workflowId: workflowIdOf(payment.requestId), runId },
      reason: 'by hand',
      requestId: `reset-${String(workflowTaskFinishEventId)}`,
      workflowTaskFinishEventId,
    });
    await expect.poll(async () => (await handle.describe()).runId, { timeout: 10_000 }).not.toBe(last);
  }
  const tasksOf = async (payment: Payment) => (await historyOf(payment)).filter((event) => event.workflowTaskCompletedEventAttributes).flatMap(({ eventId }) => (eventId ? [eventId] : []));

  it('at every event of an approved and paid history pays nothing again', { timeout: 240_000 }, async () => {
    const payment = await awaiting(BY_TWO);
    for (const person of [api.admin, api.approver]) await say('approve', payment, person);
    await expectPaidOnce(payment);
    const handle = engine.handle(payment.requestId);
    await handle.result();
    const before = [await wordsOn(payment), await attemptsOf(payment), await noncesOf(payment), await fundsOf(payment)];
    const { runId } = await handle.describe();
    const tasks = await tasksOf(payment);
    for (const task of tasks) {
      await resetTo(payment, runId, task);
      expect(await handle.result()).toBe('COMPLETED');
    }
    expect(tasks.length).toBeGreaterThan(5);
    expect([await wordsOn(payment), await attemptsOf(payment), await noncesOf(payment), await fundsOf(payment)]).toEqual(before);
    expect(await received(payment)).toEqual(onceOf(payment));
  });

  it('applies an old approval again, which counts once: the second person is still waited for', async () => {
    const payment = await awaiting(BY_TWO);
    await say('approve', payment, api.admin);
    await engine.handle(payment.requestId).signal('approve', (await wordsOn(payment))[0]?.id);
    const { runId } = await engine.handle(payment.requestId).describe();
    for (const task of await tasksOf(payment)) {
      await resetTo(payment, runId, task);
      // Handled after everything the reset has applied again.
      await engine.handle(payment.requestId).executeUpdate('approve', { args: [0] });
      expect((await engine.row(payment.requestId)).status).toBe('AWAITING_APPROVAL');
    }
    expect(await attemptsOf(payment)).toEqual([]);
    expect((await say('approve', payment, api.approver)).statusCode).toBe(202);
    await expectPaidOnce(payment);
  });
});

describe('rows changed by hand', () => {
  it('that say it was approved are parked with an alert, and nothing is signed', async () => {
    const forged = await awaiting(BY_TWO);
    const lowered = await awaiting(BY_TWO);
    const later = await accept(SMALL);
    await engine.database.db.insert(approvals).values([api.admin, api.approver].map(({ id }) => ({ requestId: forged.requestId, approverId: id, decision: 'APPROVE' as const, seal: 'a'.repeat(64), createdAt: new Date() })));
    await engine.database.db.update(policyDecisions).set({ approvalsRequired: 0 }).where(eq(policyDecisions.requestId, lowered.requestId));
    for (const payment of [forged, lowered]) {
      await engine.handle(payment.requestId).signal('approve', 1);
      expect(await engine.until(payment.requestId, ['DEAD_LETTERED'])).toMatchObject({ errorCode: 'SEAL_BROKEN' });
      expect((await listOpenAlerts(engine.database.db, payment.requestId)).map(({ kind }) => kind).toSorted()).toEqual(['SEAL_BROKEN', 'WITHDRAWAL_PARKED']);
      expect(await noncesOf(payment)).toEqual([]);
      expect(await received(payment)).toEqual(NOTHING);
    }
    await engine.until(later.requestId, ['COMPLETED']);
    expect(await commitCancelIntent(engine.database.db, forged.requestId, 'all', new Date())).toMatchObject({ kind: 'intended' });
    await engine.handle(forged.requestId).signal('cancel');
    await engine.until(forged.requestId, ['CANCELLED']);
  });
});
