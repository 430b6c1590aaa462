import { eq } from 'drizzle-orm';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { outbox, withdrawalRequests } from '../db/schema/index.ts';
import { isRecovering, RECOVERY_HALT } from '../db/repositories/payments/books.ts';
import { liftHalt } from '../db/repositories/operations/halts.ts';
import { commitCancelIntent } from '../db/repositories/withdrawals/cancel-intent.ts';
import { workflowIdOf } from '../domain/request-id.ts';
import { listStopped } from '../temporal-config/start-withdrawal.ts';
import { startEngine, type TestEngine } from '../tests/harness/engine.ts';
import { paidTo } from '../tests/harness/transfers.ts';
import { withdrawalActivities } from '../workers/withdrawal-activities.ts';

const AMOUNT = 1_000_000n;
const WAIT = { timeout: 20_000, interval: 200 };

describe('the sweeper', () => {
  let engine: TestEngine;
  let sweep: ReturnType<typeof withdrawalActivities>['sweep'];
  beforeAll(async () => {
    engine = await startEngine();
    ({ sweep } = withdrawalActivities(engine.ports, engine.client, { guardians: false }));
  });
  afterAll(() => engine.stop());

  const accept = async (started: boolean) => {
    const toAddress = Wallet.createRandom().address;
    return { id: await engine.accept({ currency: 'USDC', toAddress, amount: AMOUNT, started }), toAddress };
  };
  const runOf = async (requestId: string) => {
    const { runId, status } = await engine.handle(requestId).describe();
    return { runId, status: status.name };
  };
  const dispatchedAt = async (requestId: string) => (await engine.ports.db.select().from(outbox).where(eq(outbox.requestId, requestId)))[0]?.dispatchedAt;
  const paid = (toAddress: string) => paidTo(engine.chain, engine.chain.tokens.TestUSDC, toAddress);

  it('starts what was accepted and left without a workflow, once, and leaves young rows to the API', async () => {
    const left = await accept(false);
    const young = await accept(false);
    await engine.ports.db.update(outbox).set({ createdAt: new Date() }).where(eq(outbox.requestId, young.id));
    await expect(engine.handle(left.id).describe()).rejects.toThrow(/not found/i);
    const [first, second] = await Promise.all([sweep(), sweep()]);
    expect(first.started + second.started).toBeGreaterThanOrEqual(1);
    expect(await dispatchedAt(left.id)).toBeInstanceOf(Date);
    expect(await dispatchedAt(young.id)).toBeNull();
    await expect(engine.handle(young.id).describe()).rejects.toThrow(/not found/i);
    await engine.until(left.id, ['COMPLETED'], 30_000);
    expect(await paid(left.toAddress)).toEqual({ total: AMOUNT, payments: 1 });
    await engine.ports.db.update(outbox).set({ dispatchedAt: new Date() }).where(eq(outbox.requestId, young.id));
  });

  it('starts what stands behind one that Temporal refuses', async () => {
    const refused = await accept(false);
    const behind = await accept(false);
    const start: typeof engine.client.workflow.start = (type, options) => {
      if (options.workflowId === workflowIdOf(refused.id)) throw new Error('refused by Temporal');
      return engine.client.workflow.start(type, options);
    };
    const client = Object.create(engine.client, { workflow: { value: Object.create(engine.client.workflow, { start: { value: start } }) } }) as typeof engine.client;
    await withdrawalActivities(engine.ports, client, { guardians: false }).sweep();
    expect(await dispatchedAt(refused.id)).toBeNull();
    expect(await dispatchedAt(behind.id)).toBeInstanceOf(Date);
    await sweep();
    for (const { id, toAddress } of [refused, behind]) {
      await engine.until(id, ['COMPLETED'], 30_000);
      expect(await paid(toAddress)).toEqual({ total: AMOUNT, payments: 1 });
    }
  });

  it('starts a terminated workflow again, which pays once', async () => {
    await engine.chain.rpc.call('evm_setIntervalMining', [0]);
    const { id, toAddress } = await accept(true);
    await engine.until(id, ['BROADCASTED']);
    const before = await runOf(id);
    await engine.handle(id).terminate('an operator');
    await vi.waitFor(async () => {
      await sweep();
      expect(await runOf(id)).toMatchObject({ status: 'RUNNING' });
    }, WAIT);
    expect((await runOf(id)).runId).not.toBe(before.runId);
    await engine.chain.rpc.call('evm_setIntervalMining', [1]);
    await engine.until(id, ['COMPLETED'], 30_000);
    expect(await engine.handle(id).result()).toBe('COMPLETED');
    expect(await paid(toAddress)).toEqual({ total: AMOUNT, payments: 1 });
    // The terminated run is still in the list of the last hour: what has ended is not started for it.
    expect(await listStopped(engine.client)).toContain(id);
    const ended = await runOf(id);
    expect(await sweep()).toEqual({ started: 0 });
    expect(await runOf(id)).toEqual(ended);
  });

  it('never runs a completed workflow again, also when its row was never marked', async () => {
    const { id, toAddress } = await accept(true);
    expect(await engine.handle(id).result()).toBe('COMPLETED');
    const ended = await runOf(id);
    await engine.ports.db.update(outbox).set({ dispatchedAt: null, createdAt: new Date(Date.now() - 60_000) }).where(eq(outbox.requestId, id));
    await sweep();
    expect(await runOf(id)).toEqual(ended);
    expect(await dispatchedAt(id)).toBeInstanceOf(Date);
    expect(await paid(toAddress)).toEqual({ total: AMOUNT, payments: 1 });
  });

  it('starts what was started long ago and has no workflow any more, and leaves alone what runs', async () => {
    const lost = await accept(false);
    await engine.ports.db.update(outbox).set({ dispatchedAt: new Date(Date.now() - 60_000) }).where(eq(outbox.requestId, lost.id));
    await vi.waitFor(async () => {
      await sweep();
      expect(await runOf(lost.id)).toMatchObject({ status: expect.stringMatching(/RUNNING|COMPLETED/) });
    }, WAIT);
    await engine.until(lost.id, ['COMPLETED'], 30_000);
    expect(await paid(lost.toAddress)).toEqual({ total: AMOUNT, payments: 1 });
  });

  it('halts everything when a workflow has completed whose row goes on: the database forgot', async () => {
    const { id, toAddress } = await accept(true);
    expect(await engine.handle(id).result()).toBe('COMPLETED');
    const ended = await runOf(id);
    await engine.ports.db.update(withdrawalRequests).set({ status: 'PENDING', createdAt: new Date(Date.now() - 86_400_000) }).where(eq(withdrawalRequests.requestId, id));
    await engine.ports.db.update(outbox).set({ dispatchedAt: new Date(Date.now() - 60_000) }).where(eq(outbox.requestId, id));
    await vi.waitFor(async () => {
      await sweep();
      expect(await isRecovering(engine.ports.db)).toBe(true);
    }, WAIT);
    expect(await runOf(id)).toEqual(ended);
    expect(await paid(toAddress)).toEqual({ total: AMOUNT, payments: 1 });
    await engine.ports.db.update(withdrawalRequests).set({ status: 'COMPLETED' }).where(eq(withdrawalRequests.requestId, id));
    await liftHalt(engine.ports.db, RECOVERY_HALT);
  });

  it('says "cancel" again where the intent was committed and the signal got lost', async () => {
    const [wallet = ''] = engine.wallets;
    const balance = await engine.chain.rpc.call<string>('eth_getBalance', [wallet, 'latest']);
    await engine.chain.rpc.call('anvil_setBalance', [wallet, '0x0']);
    await engine.redis.flushdb();
    const id = await engine.accept({ currency: 'POL', toAddress: Wallet.createRandom().address, amount: AMOUNT });
    await engine.until(id, ['AWAITING_FUNDS']);
    await commitCancelIntent(engine.ports.db, id, 'all', new Date(Date.now() - 60_000));
    await sweep();
    await engine.until(id, ['CANCELLED'], 20_000);
    expect(await engine.handle(id).result()).toBe('CANCELLED');
    await engine.chain.rpc.call('anvil_setBalance', [wallet, balance]);
  });
});
