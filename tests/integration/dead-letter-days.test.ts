import { fileURLToPath } from 'node:url';
import { eq } from 'drizzle-orm';
import { hexlify, randomBytes, Wallet } from 'ethers';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { moneyActivity } from '../../activities/failure.ts';
import type { EscalateInput } from '../../activities/escalate.ts';
import type { SigningActivities, WithdrawalActivities } from '../../activities/index.ts';
import { findOpenDeadLetter } from '../../db/repositories/operations/dead-letters.ts';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { getStarts } from '../../db/repositories/withdrawals/starts.ts';
import { deadLetters } from '../../db/schema/index.ts';
import { EngineError, type ErrorCode } from '../../domain/errors.ts';
import { workflowIdOf } from '../../domain/request-id.ts';
import { SEARCH_ATTRIBUTES } from '../../temporal-config/search-attributes.ts';
import { startWithdrawal } from '../../temporal-config/start-withdrawal.ts';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import { withdrawalActivities } from '../../workers/withdrawal-activities.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { SEALED_PAYLOADS } from '../harness/payloads.ts';
import { startTimeSkipping } from '../harness/time-skipping.ts';

/** `temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD` */
const INDEXED_VALUE_TYPE_KEYWORD = 2;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const ENOUGH_WEI = 10n ** 20n;

let engine: TestEngine;
let env: TestWorkflowEnvironment;
let workers: Worker[];
let running: Promise<void>[];
/** What the signer's failures are, one after the other; the last one again and again. The real ones need a chain that fails on demand. */
let failures: ErrorCode[] = [];
const signings: number[] = [];
const reminders: { requestId: string; atMs: number }[] = [];

beforeAll(async () => {
  [engine, env] = await Promise.all([startEngine({ workers: false }), startTimeSkipping()]);
  // This server cannot list what it knows, so nothing is asked first.
  await env.connection.operatorService.addSearchAttributes({ namespace: env.namespace ?? 'default', searchAttributes: Object.fromEntries(Object.values(SEARCH_ATTRIBUTES).map(({ name }) => [name, INDEXED_VALUE_TYPE_KEYWORD])) });
  // Everything real, on a real database and chain; only the clock is the server's, and the signer fails as told.
  const real = withdrawalActivities(engine.ports, env.client, { guardians: false });
  const activities: WithdrawalActivities = {
    ...real,
    escalate: async (input: EscalateInput) => {
      await real.escalate(input);
      reminders.push({ requestId: input.requestId, atMs: await env.currentTimeMs() });
    },
  };
  const signing: Pick<SigningActivities, 'sign'> = {
    sign: moneyActivity('sign', engine.ports.log, async () => {
      signings.push(await env.currentTimeMs());
      throw new EngineError((failures.length > 1 ? failures.shift() : failures[0]) ?? 'INTERNAL');
    }),
  };
  workers = await Promise.all([
    Worker.create({ connection: env.nativeConnection, dataConverter: SEALED_PAYLOADS, taskQueue: TASK_QUEUES.withdrawals, workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)), activities: { ...activities } }),
    Worker.create({ connection: env.nativeConnection, dataConverter: SEALED_PAYLOADS, taskQueue: TASK_QUEUES.signing, activities: { ...signing } }),
  ]);
  running = workers.map((worker) => worker.run());
});
afterAll(async () => {
  for (const worker of workers) worker.shutdown();
  await Promise.all(running);
  await env.teardown();
  await engine.stop();
});

/** Accepts a withdrawal whose signatures fail so, and starts its workflow on the server whose clock jumps. */
async function accept(...codes: ErrorCode[]): Promise<string> {
  failures = codes;
  signings.length = 0;
  reminders.length = 0;
  const requestId = await engine.accept({ currency: 'USDC', toAddress: Wallet.createRandom().address, amount: 1_000_000n, started: false });
  const [start] = await getStarts(engine.database.db, [requestId]);
  if (!start) throw new Error('an accepted withdrawal has no start');
  await startWithdrawal(env.client, start);
  return requestId;
}
const handle = (requestId: string) => env.client.workflow.getHandle(workflowIdOf(requestId));
const openLetter = async (requestId: string) => {
  const letter = await findOpenDeadLetter(engine.database.db, requestId);
  if (!letter) throw new Error('it waits for nobody');
  return letter;
};
const pauses = (times: readonly number[]) => times.slice(1).map((time, index) => time - (times[index] ?? 0));
const remindersOf = (requestId: string) => reminders.filter((reminder) => reminder.requestId === requestId).map(({ atMs }) => atMs);
const inMinutes = (times: readonly number[]) => times.map((ms) => Math.round(ms / MINUTE_MS));

describe('a dead letter that nobody answers', () => {
  it('reminds people after 15 minutes, 1, 4 and 24 hours and then every day; a retry stops that, and a new letter begins anew', async () => {
    const requestId = await accept('SEAL_BROKEN');
    await engine.until(requestId, ['DEAD_LETTERED']);
    const parkedAtMs = await env.currentTimeMs();
    const began = Date.now();
    await env.sleep(80 * HOUR_MS);
    const tookMs = Date.now() - began;

    expect(inMinutes(pauses([parkedAtMs, ...remindersOf(requestId)]))).toEqual([15, 60, 4 * 60, 24 * 60, 24 * 60, 24 * 60]);
    console.log(`80 h of waiting took ${(tookMs / 1_000).toFixed(1)} s`);
    expect(tookMs).toBeLessThan(60_000);
    const letter = await openLetter(requestId);
    expect(letter.escalations).toBe(6);
    expect(await listOpenAlerts(engine.database.db, requestId)).toMatchObject([{ kind: 'DEAD_LETTER_ESCALATED', timesSeen: 6 }, { kind: 'WITHDRAWAL_PARKED' }]);

    // Answered, and parked again for another reason: what was open is closed, and the clock begins anew.
    failures = ['GAS_COST_EXCEEDED'];
    reminders.length = 0;
    await handle(requestId).signal('retry', letter.id);
    await expect.poll(async () => (await findOpenDeadLetter(engine.database.db, requestId))?.code, { timeout: 20_000 }).toBe('GAS_COST_EXCEEDED');
    expect(await engine.database.db.select().from(deadLetters).where(eq(deadLetters.id, letter.id))).toMatchObject([{ resolution: 'RETRIED', openKey: null, escalations: 6 }]);
    expect(await listOpenAlerts(engine.database.db, requestId)).toMatchObject([{ kind: 'WITHDRAWAL_PARKED' }]);
    await env.sleep(14 * MINUTE_MS);
    expect(remindersOf(requestId)).toEqual([]);
    await env.sleep(2 * MINUTE_MS);
    expect(remindersOf(requestId)).toHaveLength(1);

    // The answer to the first letter, said again, is no answer to the second.
    const second = await openLetter(requestId);
    await handle(requestId).signal('retry', letter.id);
    failures = ['TRANSFER_REFUSED'];
    await env.sleep(2 * HOUR_MS);
    expect(await openLetter(requestId)).toMatchObject({ id: second.id, escalations: 2 });

    await handle(requestId).signal('retry', second.id);
    expect(await handle(requestId).result()).toBe('FAILED');
    expect(await engine.row(requestId)).toMatchObject({ status: 'FAILED', errorCode: 'TRANSFER_REFUSED', completedAt: expect.any(Date) });
    const stopped = remindersOf(requestId).length;
    await env.sleep(48 * HOUR_MS);
    expect(remindersOf(requestId)).toHaveLength(stopped);
    expect(await listOpenAlerts(engine.database.db, requestId)).toEqual([]);
  });

  it('that was reminded of before its workflow was terminated is reminded on, not from the beginning', async () => {
    const requestId = await accept('SEAL_BROKEN');
    await engine.until(requestId, ['DEAD_LETTERED']);
    await env.sleep(2 * HOUR_MS);
    expect(await openLetter(requestId)).toMatchObject({ escalations: 2 });
    await handle(requestId).terminate('by hand');
    const [start] = await getStarts(engine.database.db, [requestId]);
    if (!start) throw new Error('it has ended');
    await startWithdrawal(env.client, start);
    reminders.length = 0;
    const restartedAtMs = await env.currentTimeMs();
    await env.sleep(5 * HOUR_MS);
    expect(inMinutes(pauses([restartedAtMs, ...remindersOf(requestId)]))).toEqual([4 * 60]);
    expect(await openLetter(requestId)).toMatchObject({ escalations: 3 });
    failures = ['TRANSFER_REFUSED'];
    await handle(requestId).signal('retry');
    expect(await handle(requestId).result()).toBe('FAILED');
  });
});

describe('a retry after days', () => {
  it('waits for money anew, however long it had waited before it was parked', async () => {
    const [wallet = ''] = engine.wallets;
    const hold = async (wei: bigint) => {
      await engine.chain.rpc.call('anvil_setBalance', [wallet, `0x${wei.toString(16)}`]);
      await engine.chain.rpc.call('evm_mine', []);
      // Balances are remembered for a block.
      await engine.redis.flushdb();
    };
    try {
      await hold(1n);
      const requestId = await accept('TRANSFER_REFUSED');
      await engine.until(requestId, ['AWAITING_FUNDS']);
      // By a transaction that nobody ever sees.
      await handle(requestId).signal('markPaid', hexlify(randomBytes(32)));
      await engine.until(requestId, ['DEAD_LETTERED']);
      await env.sleep(2 * HOUR_MS);

      await handle(requestId).signal('retry');
      await engine.until(requestId, ['AWAITING_FUNDS']);
      await hold(ENOUGH_WEI);
      expect(await handle(requestId).result()).toBe('FAILED');
      expect(await engine.row(requestId)).toMatchObject({ errorCode: 'TRANSFER_REFUSED' });
    } finally {
      await hold(ENOUGH_WEI);
    }
  });
});

describe('a retry profile', () => {
  it('waits out what is transient, however long it lasts, without growing the history', async () => {
    const outage = Array.from({ length: 400 }, (): ErrorCode => 'CHAIN_UNAVAILABLE');
    const requestId = await accept(...outage, 'TRANSFER_REFUSED');
    expect(await handle(requestId).result()).toBe('FAILED');
    expect(signings).toHaveLength(401);
    const [first = 0, last = 0] = [signings[0], signings.at(-1)];
    expect(last - first).toBeGreaterThan(HOUR_MS);
    expect(Math.max(...pauses(signings))).toBeLessThan(11_000);
    expect((await handle(requestId).fetchHistory()).events?.length).toBeLessThan(30);
    expect(await engine.row(requestId)).toMatchObject({ status: 'FAILED', errorCode: 'TRANSFER_REFUSED' });
  });

  it('tries what nobody has classified five times, 1, 2, 4 and 8 s apart, and then asks a person', async () => {
    const requestId = await accept('INTERNAL');
    await env.sleep(MINUTE_MS);
    await engine.until(requestId, ['DEAD_LETTERED']);
    expect(pauses(signings).map((ms) => Math.round(ms / 1_000))).toEqual([1, 2, 4, 8]);
    expect(await openLetter(requestId)).toMatchObject({ code: 'INTERNAL', class: 'unknown' });
    await handle(requestId).signal('cancel');
    expect(await handle(requestId).result()).toBe('CANCELLED');
  });

  it.each(['SEAL_BROKEN', 'APPROVAL_MISSING', 'GAS_COST_EXCEEDED'] as const)('asks a person at once for %s', async (code) => {
    const requestId = await accept(code);
    await engine.until(requestId, ['DEAD_LETTERED']);
    expect(signings).toHaveLength(1);
    await handle(requestId).signal('cancel');
    expect(await handle(requestId).result()).toBe('CANCELLED');
  });

  it('ends at once what is permanent', async () => {
    const requestId = await accept('TRANSFER_REFUSED');
    expect(await handle(requestId).result()).toBe('FAILED');
    expect(signings).toHaveLength(1);
  });
});
