import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { eq as equals } from 'drizzle-orm';
import { exportJWK, generateKeyPair } from 'jose';
import { Wallet } from 'ethers';
import { afterEach, describe, expect, it } from 'vitest';
import { createAccessTokens } from '../../api/auth/access-tokens.ts';
import { openSession } from '../../api/auth/open-session.ts';
import { buildApp } from '../../api/app.ts';
import { watchBooks } from '../../api/books.ts';
import { createLogger } from '../../db/observability/logger.ts';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { commitCancelIntent } from '../../db/repositories/withdrawals/cancel-intent.ts';
import { makeReserveFunds } from '../../activities/reserve-funds.ts';
import { liftHalt, listHalts, setHalt } from '../../db/repositories/operations/halts.ts';
import { readNonceTruth } from '../../db/repositories/operations/recovery.ts';
import { getStarts } from '../../db/repositories/withdrawals/starts.ts';
import { createUser } from '../../db/repositories/accounts/users.ts';
import { getWallet, listWallets, setWalletStatus } from '../../db/repositories/wallets/wallets.ts';
import { idempotencyKeys } from '../../db/schema/index.ts';
import { EVERYTHING } from '../../domain/halts.ts';
import { makeRequestId, workflowIdOf } from '../../domain/request-id.ts';
import { clientOn, connectTo } from '../../temporal-config/connection.ts';
import { startWithdrawal, WITHDRAWAL_WORKFLOW } from '../../temporal-config/start-withdrawal.ts';
import { TASK_QUEUES } from '../../temporal-config/task-queues.ts';
import { RECOVERY_STEPS, type RecoverDeps, type RecoverOptions, type RecoveryStep } from '../../scripts/recover/deps.ts';
import { recover } from '../../scripts/recover/run.ts';
import { listStartedSince } from '../../temporal-config/withdrawal-executions.ts';
import { checkBooksAtStart } from '../../workers/check-books-at-start.ts';
import { makeSettle, type FinalVerdict } from '../../activities/settle.ts';
import { makeSign } from '../../activities/sign.ts';
import { backUp, checksumsOf } from '../harness/backup.ts';
import { startEngine, type EngineOptions, type TestEngine } from '../harness/engine.ts';
import { sendFromHotWallet } from '../harness/foreign-transaction.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 2_000_000n;
/** Eight recoveries, each of which waits until the head it looked at is final. */
const ROUNDS_TIMEOUT_MS = 300_000;
const WAIT = { timeout: 60_000, interval: 100 };
const OPERATOR = { scope: 'GLOBAL', target: EVERYTHING, kind: 'OPERATOR' } as const;

interface Payment {
  requestId: string;
  recipient: string;
}

let engine: TestEngine;
afterEach(() => engine.stop());

const start = async (options: EngineOptions = {}) => {
  engine = await startEngine(options);
};

async function accept(started = true): Promise<Payment> {
  const recipient = Wallet.createRandom().address;
  return { recipient, requestId: await engine.accept({ currency: 'USDC', toAddress: recipient, amount: AMOUNT, started }) };
}

/** One whose funds are held, under a halt of everything before anything of it is signed; its workflow runs. */
async function acceptAndHalt(): Promise<Payment> {
  const { db } = engine.database;
  const payment = await accept(false);
  await makeReserveFunds(engine.ports)({ requestId: payment.requestId });
  await setHalt(db, { ...OPERATOR, reason: 'test', setBy: 'test' });
  const [begin] = await getStarts(db, [payment.requestId]);
  if (!begin) throw new Error('nothing to start');
  await startWithdrawal(engine.client, begin);
  return payment;
}

async function expectPaid(payment: Payment, times: 0 | 1): Promise<void> {
  const { requestId, recipient } = payment;
  expect({ requestId, ...(await paidTo(engine.chain, engine.chain.tokens.TestUSDC, recipient)) }).toEqual({ requestId, total: AMOUNT * BigInt(times), payments: times });
}

async function expectPaidOnce(payment: Payment): Promise<void> {
  await engine.until(payment.requestId, ['COMPLETED'], 90_000);
  await expectPaid(payment, 1);
}

const attemptsOf = (requestId: string) => engine.database.db.query.signedTransactions.findMany({ where: (table, { eq }) => eq(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.ordinal) });
const isHaltedForRecovery = async () => (await listHalts(engine.database.db)).some(({ kind }) => kind === 'RECOVERY');

/** What `npm run recover` does, with what it printed. `killAt` ends it there as a kill would. */
async function runRecover(options: Partial<Pick<RecoverOptions, 'dryRun'>> & Partial<Pick<RecoverDeps, 'temporal' | 'client'>> & { leave?: string[]; killAt?: RecoveryStep; confirm?: boolean } = {}): Promise<{ exitCode: number | 'killed'; text: string }> {
  const lines: string[] = [];
  try {
    const exitCode = await recover(
      {
        ...engine.ports,
        rpc: engine.chain.rpc,
        temporal: options.temporal ?? engine.temporal,
        client: options.client ?? engine.client,
        print: (line) => lines.push(line),
        onStep: (step) => {
          if (step === options.killAt) throw new Error(`killed after ${step}`);
        },
        finalityWaitMs: 60_000,
      },
      { dryRun: options.dryRun ?? false, confirm: async () => options.confirm ?? true, leave: new Set(options.leave) },
    );
    return { exitCode, text: lines.join('\n') };
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('killed after')) return { exitCode: 'killed', text: lines.join('\n') };
    throw error;
  }
}

/** The API over the engine's own database and Temporal, as a process that has just started. */
async function startApi(temporal: Client = engine.client) {
  const logger = createLogger({ service: 'api-server', level: 'ERROR' });
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const signingJwk = await exportJWK(privateKey);
  const { db } = engine.database;
  const userId = await createUser(db, { email: `${randomBytes(6).toString('hex')}@example.com`, passwordHash: 'none', role: 'ADMIN', now: new Date() });
  const authorization = `Bearer ${(await openSession(db, await createAccessTokens(signingJwk), { id: userId, role: 'ADMIN' })).accessToken}`;
  const books = watchBooks({ database: db, temporal, chainId: engine.chain.chainId, logger });
  const app = await buildApp({ database: db, redis: engine.redis, temporal, books, settings: engine.settings, sealKey: engine.sealKey, webhookKey: randomBytes(32), signingJwk, logger, crashPoint: () => undefined });
  await books.look();
  const stopping = new AbortController();
  const watched = books.watch(stopping.signal);
  return {
    post: async () => {
      const recipient = Wallet.createRandom().address;
      const response = await app.inject({ method: 'POST', url: '/withdrawals', headers: { authorization, 'idempotency-key': randomBytes(8).toString('hex'), 'accept-language': 'en' }, payload: { amount: '2', currency: 'USDC', toAddress: recipient, network: 'polygon-amoy' } });
      return { status: response.statusCode, body: response.json<{ requestId: string; error?: { code: string; retryable: boolean } }>(), recipient };
    },
    get: async (requestId: string) => (await app.inject({ url: `/withdrawals/${requestId}`, headers: { authorization } })).statusCode,
    close: async () => {
      stopping.abort();
      await watched;
      await app.close();
    },
  };
}

describe('MySQL restored from an older backup', () => {
  it('is noticed at the start, planned without a change, recovered through every crash, and everybody is paid exactly once', async () => {
    await start({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, stuckAfterBlocks: 3 } }) });
    const { db } = engine.database;

    // Before the backup: one done, one signed and not sent, one accepted only.
    const before = await accept();
    await engine.until(before.requestId, ['COMPLETED']);
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const bumped = await accept();
    await engine.until(bumped.requestId, ['BROADCASTING']);
    const unstarted = await accept(false);
    const backup = await backUp(engine.database);

    // After it: a replacement wins, one is paid of which the backup knows the row only, one of which it knows nothing.
    const [first] = await attemptsOf(bumped.requestId);
    await engine.chain.rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${((first?.maxFeePerGas ?? 0n) * 3n).toString(16)}`]);
    engine.proxy.inject({ kind: 'pass' });
    await engine.until(bumped.requestId, ['COMPLETED'], 90_000);
    const won = (await engine.row(bumped.requestId)).txHash ?? '';
    expect(won).not.toBe(first?.txHash);
    const [begin] = await getStarts(db, [unstarted.requestId]);
    if (!begin) throw new Error('nothing to start');
    await startWithdrawal(engine.client, begin);
    const after = await accept();
    await engine.until(unstarted.requestId, ['COMPLETED']);
    await engine.until(after.requestId, ['COMPLETED']);
    // One ends without being paid: it must not be paid for being forgotten.
    const cancelled = await acceptAndHalt();
    await commitCancelIntent(db, cancelled.requestId, 'all', new Date());
    await engine.handle(cancelled.requestId).signal('cancel');
    await engine.until(cancelled.requestId, ['CANCELLED']);
    await liftHalt(db, OPERATOR);
    // Signed, and its bytes are nowhere but in the database that is about to be lost.
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const lost = await accept();
    await engine.until(lost.requestId, ['BROADCASTING']);
    await engine.handle(lost.requestId).terminate('a test');
    engine.proxy.inject({ kind: 'pass' });
    // Sent, and waiting in the node's pool behind the nonce of the one before.
    const queued = await accept();
    await engine.until(queued.requestId, ['BROADCASTED']);
    const [queuedAttempt] = await attemptsOf(queued.requestId);
    // Accepted, its funds held, nothing signed.
    const held = await acceptAndHalt();

    await engine.stopRoles();
    await backup.restore();
    // A monitor that ran before anybody noticed took the forgotten replacement for a stranger's transaction.
    const verdict = { kind: 'nonce-lost', nonce: first?.nonce ?? 0, foreignTxHash: won, blockNumber: 1, movedValue: false } as FinalVerdict;
    await makeSettle(engine.ports)({ requestId: bumped.requestId, verdict });
    expect(await engine.row(bumped.requestId)).toMatchObject({ status: 'SIGNING', hasLivePayment: false });
    expect(await checkBooksAtStart(engine.ports, (since, limit) => listStartedSince(engine.client, since, limit), 'test')).toBe(true);
    expect(await isHaltedForRecovery()).toBe(true);

    const untouched = await checksumsOf(engine.database);
    const dryRun = await runRecover({ dryRun: true });
    expect(await checksumsOf(engine.database)).toEqual(untouched);
    expect(dryRun.exitCode).toBe(0);
    for (const { requestId } of [bumped, unstarted, after, cancelled, lost, queued, held]) expect(dryRun.text).toContain(requestId);
    expect(dryRun.text).not.toContain(before.requestId);
    expect(dryRun.text).toMatch(new RegExp(`${cancelled.requestId}: no row.*end it as CANCELLED`));
    // With no role running, runs that have passed their lost rows stand still and have to be stopped.
    for (const killAt of ['halted', 'workflow-stopped'] as const) expect([killAt, (await runRecover({ killAt })).exitCode]).toEqual([killAt, 'killed']);
    expect(await engine.startRoles()).toBe(true);

    // Noticed: nothing is accepted, nothing is signed, and what is known can be read.
    const api = await startApi();
    expect(await api.post()).toMatchObject({ status: 503, body: { error: { code: 'BOOKS_BEHIND', retryable: true } } });
    expect(await api.get(before.requestId)).toBe(200);
    expect(await listOpenAlerts(db)).toMatchObject([{ kind: 'BOOKS_BEHIND' }]);
    const slipped = await accept();
    await expect(makeReserveFunds(engine.ports)({ requestId: slipped.requestId })).rejects.toMatchObject({ type: 'BOOKS_BEHIND', nonRetryable: false });
    await expect(makeSign(engine.ports)({ requestId: held.requestId, mode: 'pay' })).rejects.toMatchObject({ type: 'BOOKS_BEHIND' });
    expect(await attemptsOf(slipped.requestId)).toEqual([]);

    for (const killAt of RECOVERY_STEPS.filter((step) => step !== 'workflow-stopped')) {
      expect([killAt, (await runRecover({ killAt })).exitCode]).toEqual([killAt, 'killed']);
      expect(await isHaltedForRecovery()).toBe(true);
    }
    const recovered = await runRecover();
    expect(recovered.exitCode).toBe(0);
    expect(await isHaltedForRecovery()).toBe(false);
    expect(await listOpenAlerts(db)).toEqual([]);

    // The lost bytes hold their nonce until it is voided on chain; a person sends their withdrawal on its way again.
    const parked = await engine.until(lost.requestId, ['DEAD_LETTERED'], 90_000);
    expect(parked.txHash).not.toBeNull();
    await expect.poll(async () => (await engine.row(lost.requestId)).hasLivePayment, WAIT).toBe(false);
    await engine.handle(lost.requestId).signal('retry');
    for (const payment of [before, bumped, unstarted, after, queued, held, slipped, lost]) await expectPaidOnce(payment);
    expect((await attemptsOf(queued.requestId))[0]).toMatchObject({ txHash: queuedAttempt?.txHash, rawTransaction: queuedAttempt?.rawTransaction, status: 'CONFIRMED' });
    expect((await attemptsOf(bumped.requestId)).at(-1)).toMatchObject({ txHash: won, status: 'CONFIRMED' });
    expect((await engine.row(cancelled.requestId)).status).toBe('CANCELLED');
    await expectPaid(cancelled, 0);

    // Accepting goes on, and a second recovery finds nothing.
    await expect.poll(async () => (await api.post()).status, WAIT).toBe(202);
    await api.close();
    expect(await runRecover({ dryRun: true })).toMatchObject({ exitCode: 0, text: expect.stringContaining('Nothing is missing.') });
  }, ROUNDS_TIMEOUT_MS);

  it('refuses an outflow nobody explains: the wallet is halted, everything stands still until a person has answered', async () => {
    await start();
    const { db } = engine.database;
    const [wallet = ''] = engine.wallets;
    const done = await accept();
    await engine.until(done.requestId, ['COMPLETED']);
    const outflow = await sendFromHotWallet(engine, { nonce: 1, to: Wallet.createRandom().address, valueWei: 12_345n });
    await outflow.mined();
    const harmless = await sendFromHotWallet(engine, { nonce: 2 });
    await harmless.mined();
    await engine.stopRoles();
    expect(await engine.startRoles()).toBe(true);
    expect((await listHalts(db))[0]?.reason).toContain(outflow.txHash);
    const waiting = await accept();

    const refused = await runRecover();
    expect(refused.exitCode).toBe(1);
    expect(refused.text).toMatch(new RegExp(`REFUSED[^]*${outflow.txHash}: it used nonce 1 of ${wallet}`));
    expect(refused.text).not.toContain(harmless.txHash);
    expect(await getWallet(db, engine.chain.chainId, wallet)).toMatchObject({ status: 'HALTED' });
    expect((await listOpenAlerts(db)).map(({ kind }) => kind).toSorted()).toEqual(['BOOKS_BEHIND', 'FOREIGN_OUTFLOW']);
    expect(await isHaltedForRecovery()).toBe(true);
    expect((await runRecover()).exitCode).toBe(1);

    // A person has looked, and later lets the wallet go on.
    expect((await runRecover({ leave: [outflow.txHash] })).exitCode).toBe(0);
    expect(await isHaltedForRecovery()).toBe(false);
    expect(await getWallet(db, engine.chain.chainId, wallet)).toMatchObject({ status: 'HALTED', nextNonce: 3 });
    await setWalletStatus(db, engine.chain.chainId, wallet, 'ACTIVE', null);
    await expectPaidOnce(waiting);
    expect(await attemptsOf(waiting.requestId)).toMatchObject([{ nonce: 3 }]);
    await expectPaid(done, 1);
  });

  it('refuses a workflow that does not carry its request, and lets a person leave it out', async () => {
    await start({ workers: false });
    const requestId = makeRequestId(Date.now(), randomBytes(10));
    await engine.client.workflow.start(WITHDRAWAL_WORKFLOW, { workflowId: workflowIdOf(requestId), taskQueue: TASK_QUEUES.withdrawals, args: [{ requestId, correlationId: requestId }], memo: { ownerId: 1, idempotencyKeyHash: 'a'.repeat(64) } });
    await expect.poll(async () => (await runRecover({ dryRun: true })).text, WAIT).toContain(`${requestId}: its workflow does not carry the request`);
    expect((await runRecover({ dryRun: true })).exitCode).toBe(1);
    expect((await runRecover()).exitCode).toBe(1);
    expect(await isHaltedForRecovery()).toBe(true);
    expect((await runRecover({ leave: [requestId], confirm: false })).exitCode).toBe(1);
    expect((await runRecover({ leave: [requestId] })).exitCode).toBe(0);
    expect(await isHaltedForRecovery()).toBe(false);
    await expect.poll(async () => (await runRecover({ dryRun: true })).text, WAIT).toContain('Nothing is missing.');
  });

  it('refuses a request whose idempotency key has made another since, and ends it unpaid when a person says so', async () => {
    await start();
    const { db } = engine.database;
    await engine.until((await accept()).requestId, ['COMPLETED']);
    const backup = await backUp(engine.database);
    const first = await accept();
    await engine.until(first.requestId, ['COMPLETED']);
    const { memo } = await engine.handle(first.requestId).describe();
    await engine.stopRoles();
    await backup.restore();
    // The client repeated its request before anybody noticed.
    const second = await accept(false);
    await db.update(idempotencyKeys).set({ keyHash: String(memo?.['idempotencyKeyHash']) }).where(equals(idempotencyKeys.requestId, second.requestId));

    const refused = await runRecover();
    expect(refused.exitCode).toBe(1);
    expect(refused.text).toContain(`${first.requestId}: its idempotency key has made ${second.requestId} since`);
    // The first was paid, says a person; the second is not to be.
    await expectPaid(first, 1);
    const [payment] = refused.text.match(/0x[0-9a-f]{64}/) ?? [];
    // The payment of the first is an outflow that nothing explains.
    expect(payment).toBeDefined();
    expect((await runRecover({ leave: [first.requestId, second.requestId, String(payment)] })).exitCode).toBe(0);
    await engine.startRoles();
    expect(await engine.row(second.requestId)).toMatchObject({ status: 'FAILED' });
    await expectPaid(second, 0);
  });
});

describe('Redis gone', () => {
  it('is written anew from MySQL while withdrawals are under way, and everybody is paid exactly once', async () => {
    await start({ wallets: 2 });
    const { db } = engine.database;
    await engine.until((await accept()).requestId, ['COMPLETED']);
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const payments = await Promise.all([accept(), accept(), accept()]);
    for (const { requestId } of payments) await engine.until(requestId, ['BROADCASTING']);
    await engine.redis.flushdb();

    const untouched = await checksumsOf(engine.database);
    const dryRun = await runRecover({ dryRun: true });
    expect(dryRun).toMatchObject({ exitCode: 0, text: expect.stringContaining('nonce front empty') });
    expect(await checksumsOf(engine.database)).toEqual(untouched);
    expect(await engine.redis.keys('nonce:*')).toEqual([]);
    expect((await runRecover({ killAt: 'nonces-restored' })).exitCode).toBe('killed');
    expect(await runRecover()).toMatchObject({ exitCode: 0 });
    for (const wallet of await listWallets(db, engine.chain.chainId)) {
      const truth = await readNonceTruth(db, wallet);
      if (!truth) continue;
      expect(await engine.redis.get(`nonce:{${wallet.chainId}:${wallet.address}}:next`)).toBe(String(truth.next));
      expect(await engine.redis.hgetall(`nonce:{${wallet.chainId}:${wallet.address}}:held`)).toEqual(Object.fromEntries(truth.held.map(({ requestId, nonce }) => [requestId, String(nonce)])));
    }
    engine.proxy.inject({ kind: 'pass' });
    for (const payment of [...payments, await accept()]) await expectPaidOnce(payment);
  });
});

describe('the Temporal database lost', () => {
  it('is noticed by an API that starts, registered again, every workflow started, and everybody is paid exactly once', async () => {
    await start();
    const { db } = engine.database;
    const done = await accept();
    await engine.until(done.requestId, ['COMPLETED']);
    engine.proxy.inject({ kind: 'refuse' }, ['eth_sendRawTransaction']);
    const signed = await accept();
    await engine.until(signed.requestId, ['BROADCASTING']);
    const held = await acceptAndHalt();
    const accepted = await accept(false);
    await engine.stopRoles();
    await liftHalt(db, OPERATOR);
    engine.proxy.inject({ kind: 'pass' });

    // A server whose database is gone knows neither workflows nor the namespace.
    const lostTo = { ...engine.temporal, namespace: `lost-${randomBytes(6).toString('hex')}` };
    const connection = await connectTo(lostTo);
    const empty = clientOn(connection, lostTo);
    const place = { temporal: lostTo, client: empty };
    const api = await startApi(empty);
    expect(await api.post()).toMatchObject({ status: 503, body: { error: { code: 'SERVICE_UNAVAILABLE', retryable: true } } });
    expect(await api.get(done.requestId)).toBe(200);

    const untouched = await checksumsOf(engine.database);
    const dryRun = await runRecover({ dryRun: true, ...place });
    expect(dryRun.exitCode).toBe(0);
    expect(dryRun.text).toContain(`the namespace ${lostTo.namespace}`);
    for (const { requestId } of [signed, held, accepted]) expect(dryRun.text).toContain(`${requestId}: `);
    expect(dryRun.text).not.toContain(done.requestId);
    expect(await checksumsOf(engine.database)).toEqual(untouched);

    expect((await runRecover({ killAt: 'workflow-started', ...place })).exitCode).toBe('killed');
    expect(await runRecover(place)).toMatchObject({ exitCode: 0 });
    expect(await engine.startRoles(lostTo.namespace)).toBe(false);
    for (const payment of [signed, held, accepted]) await expectPaidOnce(payment);
    await expectPaid(done, 1);
    await expect.poll(async () => (await api.post()).status, WAIT).toBe(202);
    await api.close();
    await connection.close();
  });
});
