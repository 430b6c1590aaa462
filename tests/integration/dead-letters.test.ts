import { Wallet } from 'ethers';
import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { deadLetters, withdrawalRequests } from '../../db/schema/index.ts';
import { en } from '../../api/messages/en.ts';
import { ko } from '../../api/messages/ko.ts';
import { whyNot } from '../../domain/dead-letters.ts';
import { workflowIdOf } from '../../domain/request-id.ts';
import { commitCancelIntent } from '../../db/repositories/withdrawals/cancel-intent.ts';
import type { DeadLetterView } from '../../api/schemas/dead-letter.ts';
import type { WithdrawalView } from '../../api/schemas/withdrawal.ts';
import { startEngineApi, type EngineApi } from '../harness/engine-api.ts';
import { startEngine, type EngineOptions, type TestEngine } from '../harness/engine.ts';
import { callAsOwner, payIn } from '../harness/tokens.ts';
import { paidTo } from '../harness/transfers.ts';

const AMOUNT = 3_000_000n;
const ONCE = { total: AMOUNT, payments: 1 };
const NOTHING = { total: 0n, payments: 0 };

let engine: TestEngine;
let api: EngineApi;
afterEach(async () => {
  await api.close();
  await engine.stop();
});
async function start(options: EngineOptions = {}): Promise<void> {
  engine = await startEngine(options);
  api = await startEngineApi(engine);
}

interface Payment {
  requestId: string;
  recipient: string;
}
async function accept(currency = 'USDC'): Promise<Payment> {
  const recipient = Wallet.createRandom().address;
  return { requestId: await engine.accept({ currency, toAddress: recipient, amount: AMOUNT }), recipient };
}
const parked = async (payment: Payment) => engine.until(payment.requestId, ['DEAD_LETTERED']);
const received = ({ recipient }: Payment) => paidTo(engine.chain, engine.chain.tokens.TestUSDC, recipient);
const hideKey = async () => engine.hideKey((await engine.database.db.query.wallets.findFirst())?.keyId ?? '');
/** Parks whatever is accepted from now on, at once and before anything is held, until an operator raises the limit again. */
function makeGasTooDear(): { restore(): void } {
  const { chain } = engine.settings;
  const { maximumGasCostWei } = chain;
  chain.maximumGasCostWei = '1';
  return { restore: () => void (chain.maximumGasCostWei = maximumGasCostWei) };
}
const attemptsOf = (requestId: string) => engine.database.db.query.signedTransactions.findMany({ where: (table, { eq: is }) => is(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.id) });
const eventsOf = async (requestId: string) => (await engine.database.db.query.withdrawalEvents.findMany({ where: (table, { eq: is }) => is(table.requestId, requestId), orderBy: (table, { asc }) => asc(table.id) })).map(({ type }) => type);
const lettersOf = (requestId: string) => engine.database.db.select().from(deadLetters).where(eq(deadLetters.requestId, requestId)).orderBy(deadLetters.id);
const list = async (query = '', language = 'en') => (await api.get(`/admin/dead-letters${query}`, { language })).json<{ items: DeadLetterView[]; nextCursor: string | null }>();
const shown = async ({ requestId }: Payment, language = 'en') => (await list('', language)).items.find((item) => item.requestId === requestId);
const retry = (requestId: string) => api.post(`/admin/transactions/${requestId}/retry`);
const markPaid = (requestId: string, txHash: string) => api.post(`/admin/transactions/${requestId}/mark-paid`, { txHash });
const cancel = (requestId: string) => api.post(`/withdrawals/${requestId}/cancel`);
const possible = (item: DeadLetterView | undefined) => Object.fromEntries(item?.actions.map(({ action, reason }) => [action, reason]) ?? []);

/** A payment of a person from outside, final when it returns. */
async function payByHand(recipient: string, amount: bigint): Promise<string> {
  await callAsOwner(engine.chain, 'TestUSDC', 'transfer', recipient, amount);
  const block = await engine.chain.rpc.call<{ transactions: string[] }>('eth_getBlockByNumber', ['latest', false]);
  await engine.chain.rpc.call('anvil_mine', ['0x5']);
  const [hash] = block.transactions;
  if (hash === undefined) throw new Error('the payment by hand is not in the newest block');
  return hash;
}

describe('a withdrawal is parked', () => {
  it('when its key is gone: seen with cause and next step, retried over HTTP, paid once', async () => {
    await start();
    const key = await hideKey();
    const payment = await accept();
    await parked(payment);
    await expect.poll(() => shown(payment), { timeout: 20_000 }).toMatchObject({
      code: 'KEY_INVALID', class: 'unknown', advice: en.advice.KEY_INVALID, escalations: 0, retrySaidAt: null, resolution: null,
      holds: { livePayment: false, nonce: null },
      withdrawal: { requestId: payment.requestId, status: 'DEAD_LETTERED', outcome: 'NOT_SENT', errorCode: 'KEY_INVALID', amount: '3' },
    });
    const item = await shown(payment, 'ko');
    expect(item?.advice).toEqual(ko.advice.KEY_INVALID);
    expect(possible(item)).toEqual({ retry: null, cancel: null, 'mark-paid': null });
    const alerts = (await api.get(`/admin/alerts?kind=WITHDRAWAL_PARKED&subject=${payment.requestId}`)).json<{ items: object[] }>();
    expect(alerts.items).toMatchObject([{ kind: 'WITHDRAWAL_PARKED', subject: payment.requestId, resolvedAt: null, detail: { code: 'KEY_INVALID' } }]);

    await key.restore();
    const [first, second] = await Promise.all([retry(payment.requestId), retry(payment.requestId)]);
    expect([first.statusCode, first.json<WithdrawalView>().requestId]).toEqual([202, payment.requestId]);
    expect([202, 409]).toContain(second.statusCode);
    await engine.until(payment.requestId, ['COMPLETED']);
    expect(await received(payment)).toEqual(ONCE);
    expect(await lettersOf(payment.requestId)).toMatchObject([{ resolution: 'RETRIED', openKey: null, retrySaidBy: api.admin.id }]);
    expect(await shown(payment)).toBeUndefined();
    expect((await list('?state=resolved')).items).toMatchObject([{ requestId: payment.requestId, resolution: 'RETRIED', actions: [{ possible: false }, { possible: false }, { possible: false }] }]);
    expect(await listOpenAlerts(engine.database.db, payment.requestId)).toEqual([]);
    expect(api.logText()).toContain('"message":"retry requested"');
    const late = await retry(payment.requestId);
    expect([late.statusCode, late.json()]).toMatchObject([409, { error: { code: 'INVALID_STATE', message: expect.stringContaining('already ended') }, details: [{ field: 'status', reason: 'ended' }] }]);
  });

  it('when every node refuses its bytes: its nonce is voided, a retry said meanwhile is kept, and pays once with another nonce', async () => {
    await start();
    const lift = engine.proxy.add({ kind: 'error', message: 'transaction type not supported' }, ['eth_sendRawTransaction']);
    const payment = await accept();
    await parked(payment);
    await expect.poll(async () => (await attemptsOf(payment.requestId)).map(({ purpose }) => purpose), { timeout: 30_000 }).toEqual(['PAY', 'VOID']);
    const [pay] = await attemptsOf(payment.requestId);
    // Its payment may be out there for all anyone knows: what is known, and what settles it, is shown.
    const item = await shown(payment);
    expect(item).toMatchObject({
      code: 'SEND_REJECTED', reason: expect.stringContaining('transaction type not supported'), holds: { livePayment: true, nonce: { nonce: 0, signer: engine.wallets[0], state: 'VOIDING' } },
      withdrawal: { outcome: 'UNKNOWN', outcomeNote: expect.any(String), outcomeDetail: { nonce: 0, signer: engine.wallets[0], hashes: [pay?.txHash], settledWhen: 'voided' } },
    });
    expect((await api.get(`/withdrawals/${payment.requestId}`)).json()).toMatchObject({ outcomeDetail: { hashes: [pay?.txHash], settledWhen: 'voided' } });

    expect((await retry(payment.requestId)).statusCode).toBe(202);
    expect(await shown(payment)).toMatchObject({ retrySaidAt: expect.any(String), retrySaidBy: api.admin.id });
    expect(await eventsOf(payment.requestId)).toContain('retry requested');
    expect((await engine.row(payment.requestId)).status).toBe('DEAD_LETTERED');
    lift();
    await engine.until(payment.requestId, ['COMPLETED'], 90_000);
    expect(await received(payment)).toEqual(ONCE);
    const attempts = await attemptsOf(payment.requestId);
    expect(attempts.map(({ purpose, nonce, status }) => [purpose, nonce, status])).toEqual([['PAY', 0, 'REPLACED'], ['VOID', 0, 'CONFIRMED'], ['PAY', 1, 'CONFIRMED']]);
  });

  it('when its row was changed after it was sealed: nothing is signed, and it can be cancelled', async () => {
    await start();
    const key = await hideKey();
    const payment = await accept();
    await parked(payment);
    await engine.database.db.update(withdrawalRequests).set({ amount: AMOUNT * 10n }).where(eq(withdrawalRequests.requestId, payment.requestId));
    await key.restore();
    expect((await retry(payment.requestId)).statusCode).toBe(202);
    await expect.poll(() => shown(payment), { timeout: 20_000 }).toMatchObject({ code: 'SEAL_BROKEN', advice: en.advice.SEAL_BROKEN });
    expect((await lettersOf(payment.requestId)).map(({ code, resolution }) => [code, resolution])).toEqual([['KEY_INVALID', 'RETRIED'], ['SEAL_BROKEN', null]]);
    expect((await cancel(payment.requestId)).statusCode).toBe(202);
    await engine.until(payment.requestId, ['CANCELLED']);
    expect(await received(payment)).toEqual(NOTHING);
    expect(await attemptsOf(payment.requestId)).toEqual([]);
    expect((await lettersOf(payment.requestId)).at(-1)).toMatchObject({ resolution: 'CANCELLED' });
    // What was changed behind the engine's back is looked into by a person, whatever became of the withdrawal.
    expect(await listOpenAlerts(engine.database.db, payment.requestId)).toMatchObject([{ kind: 'SEAL_BROKEN' }]);
  });

  it('when a token took a fee: no retry and no cancel, and it says that a person settles it', async () => {
    await start();
    await payIn(engine, 'USDC', 'TestFeeToken');
    const payment = await accept();
    const { paidTxHash } = await parked(payment);
    await expect.poll(async () => (await shown(payment))?.code, { timeout: 20_000 }).toBe('PAYMENT_MISMATCH');
    const item = await shown(payment);
    expect(possible(item)).toEqual({ retry: 'money-moved', cancel: 'payment-mined', 'mark-paid': null });
    expect(item?.withdrawal).toMatchObject({ outcome: 'UNKNOWN', outcomeDetail: { nonce: 0, hashes: [paidTxHash], settledWhen: 'person' } });
    const refused = await retry(payment.requestId);
    expect([refused.statusCode, refused.json()]).toMatchObject([409, { details: [{ reason: 'money-moved' }] }]);
    expect((await cancel(payment.requestId)).json()).toMatchObject({ details: [{ reason: 'payment-mined' }] });
    const many = await api.post('/admin/dead-letters/retry', { filter: { all: true } });
    expect(many.json()).toEqual({ dryRun: false, matched: 1, retried: 0, requestIds: [], skipped: [{ requestId: payment.requestId, reason: 'money-moved' }], more: false });
    expect((await paidTo(engine.chain, engine.chain.tokens.TestFeeToken, payment.recipient)).payments).toBe(1);
  });
});

describe('paid by hand, over HTTP', () => {
  it('is believed when the chain shows it, and not before', async () => {
    await start();
    makeGasTooDear();
    const payment = await accept();
    await parked(payment);
    const other = await payByHand(Wallet.createRandom().address, AMOUNT);
    expect((await markPaid(payment.requestId, other.toUpperCase().replace('0X', '0x'))).statusCode).toBe(202);
    await expect.poll(() => eventsOf(payment.requestId), { timeout: 20_000 }).toContain('mark-paid not believed');
    expect((await engine.row(payment.requestId)).status).toBe('DEAD_LETTERED');

    const hash = await payByHand(payment.recipient, AMOUNT);
    expect((await markPaid(payment.requestId, hash)).statusCode).toBe(202);
    expect(await engine.until(payment.requestId, ['COMPLETED'])).toMatchObject({ paidTxHash: hash });
    expect(await received(payment)).toEqual(ONCE);
    expect((await lettersOf(payment.requestId)).at(-1)).toMatchObject({ resolution: 'COMPLETED' });
    expect((await markPaid(payment.requestId, hash)).json()).toMatchObject({ error: { code: 'INVALID_STATE' }, details: [{ reason: 'ended' }] });
  });

  it('of a payment that is not final yet: no retry is taken meanwhile, one by one or in bulk', async () => {
    await start();
    makeGasTooDear();
    const payment = await accept();
    await parked(payment);
    expect((await markPaid(payment.requestId, `0x${'ab'.repeat(32)}`)).statusCode).toBe(202);
    await expect.poll(async () => (await engine.row(payment.requestId)).errorCode, { timeout: 20_000 }).toBe('PAID_BY_HAND');
    expect(possible(await shown(payment))).toEqual({ retry: 'claimed-paid', cancel: 'paid-by-hand', 'mark-paid': null });
    expect((await retry(payment.requestId)).json()).toMatchObject({ error: { code: 'INVALID_STATE' }, details: [{ reason: 'claimed-paid' }] });
    expect((await api.post('/admin/dead-letters/retry', { filter: { all: true } })).json()).toMatchObject({ retried: 0, skipped: [{ reason: 'claimed-paid' }] });
  });
});

describe('a retry of a withdrawal whose workflow is gone', () => {
  it('starts it with the word, and pays once', async () => {
    await start();
    const limit = makeGasTooDear();
    const payment = await accept();
    await parked(payment);
    await engine.handle(payment.requestId).terminate('by hand');
    limit.restore();
    expect((await retry(payment.requestId)).statusCode).toBe(202);
    await engine.until(payment.requestId, ['COMPLETED']);
    expect(await received(payment)).toEqual(ONCE);
    expect(await engine.handle(payment.requestId).result()).toBe('COMPLETED');
    expect(await lettersOf(payment.requestId)).toMatchObject([{ resolution: 'RETRIED' }]);
  });

  it('also when it was started again before, and has parked where the first run did', async () => {
    await start();
    const limit = makeGasTooDear();
    const payment = await accept();
    await parked(payment);
    await engine.handle(payment.requestId).terminate('by hand');
    await expect
      .poll(async () => {
        await engine.client.workflow.execute('sweep', { taskQueue: 'withdrawals', workflowId: 'sweep-by-hand' });
        return (await engine.handle(payment.requestId).describe()).status.name;
      }, { timeout: 30_000 })
      .toBe('RUNNING');
    limit.restore();
    // Nothing is taken up by starting again alone.
    expect((await engine.row(payment.requestId)).status).toBe('DEAD_LETTERED');
    expect((await retry(payment.requestId)).statusCode).toBe(202);
    await engine.until(payment.requestId, ['COMPLETED']);
    expect(await received(payment)).toEqual(ONCE);
    expect(await lettersOf(payment.requestId)).toMatchObject([{ code: 'GAS_COST_EXCEEDED', resolution: 'RETRIED' }]);
  });
});

describe('an answer that is applied again by a reset', () => {
  it('counts for its own letter only: the later one waits for an answer of its own', async () => {
    await start();
    const limit = makeGasTooDear();
    const payment = await accept();
    await parked(payment);
    const { requestId } = payment;
    expect((await retry(requestId)).statusCode).toBe(202);
    await expect.poll(async () => (await lettersOf(requestId)).map(({ resolution }) => resolution), { timeout: 40_000 }).toEqual(['RETRIED', null]);
    const [, second] = await lettersOf(requestId);
    // Whatever takes it up from here on pays it.
    limit.restore();

    const { runId } = await engine.handle(requestId).describe();
    const { events } = await engine.handle(requestId).fetchHistory();
    const workflowTaskFinishEventId = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId ?? null;
    await engine.client.workflowService.resetWorkflowExecution({ namespace: engine.client.options.namespace, workflowExecution: { workflowId: workflowIdOf(requestId), runId }, reason: 'by hand', requestId: 'reset-once', workflowTaskFinishEventId });
    await expect.poll(async () => (await engine.searchAttributesOf(requestId))['WithdrawalStatus'], { timeout: 20_000 }).toBe('DEAD_LETTERED');
    expect((await lettersOf(requestId)).at(-1)).toMatchObject({ id: second?.id, resolution: null });
    expect((await engine.row(requestId)).status).toBe('DEAD_LETTERED');
    const resent = (await engine.handle(requestId).fetchHistory()).events?.filter((event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'retry');
    expect(resent).toHaveLength(1);

    expect((await retry(requestId)).statusCode).toBe(202);
    await engine.until(requestId, ['COMPLETED']);
    expect(await received(payment)).toEqual(ONCE);
  });
});

describe('a withdrawal whose workflow had completed, in a database that forgot it', () => {
  it('is not run again by a retry', async () => {
    await start();
    const payment = await accept();
    await engine.until(payment.requestId, ['COMPLETED']);
    await engine.handle(payment.requestId).result();
    await engine.database.db.update(withdrawalRequests).set({ status: 'DEAD_LETTERED', paidTxHash: null, completedAt: null }).where(eq(withdrawalRequests.requestId, payment.requestId));
    await engine.database.db.insert(deadLetters).values({ requestId: payment.requestId, openKey: payment.requestId, chainId: engine.chain.chainId, currency: 'USDC', code: 'INTERNAL', class: 'unknown', reason: 'forgot', parkedAt: new Date() });
    const refused = await retry(payment.requestId);
    expect([refused.statusCode, refused.json()]).toMatchObject([503, { error: { code: 'BOOKS_BEHIND' } }]);
    expect((await engine.handle(payment.requestId).describe()).status.name).toBe('COMPLETED');
    expect(await received(payment)).toEqual(ONCE);
  });
});

describe('while Temporal is away', () => {
  it('says so in bounded time, and nothing is lost', async () => {
    await start();
    const limit = makeGasTooDear();
    const payment = await accept();
    await parked(payment);
    const lonely = await startEngineApi(engine, { temporalAddress: '127.0.0.1:9' });
    const began = Date.now();
    const [one, hand, many] = [await lonely.post(`/admin/transactions/${payment.requestId}/retry`), await lonely.post(`/admin/transactions/${payment.requestId}/mark-paid`, { txHash: `0x${'ab'.repeat(32)}` }), await lonely.post('/admin/dead-letters/retry', { filter: { all: true } })];
    expect(Date.now() - began).toBeLessThan(15_000);
    for (const answer of [one, hand, many]) expect([answer.statusCode, answer.json()]).toMatchObject([503, { error: { code: 'SERVICE_UNAVAILABLE', message: expect.stringContaining('Nothing was lost'), retryable: true } }]);
    await lonely.close();
    expect(await shown(payment)).toMatchObject({ retrySaidAt: null, resolvedAt: null });
    limit.restore();
    expect((await retry(payment.requestId)).statusCode).toBe(202);
    await engine.until(payment.requestId, ['COMPLETED']);
    expect(await received(payment)).toEqual(ONCE);
  });
});

describe('fifty dead letters', () => {
  it('are counted by a dry run, retried by a filter, and each paid once however often it is said', { timeout: 240_000 }, async () => {
    await start();
    const limit = makeGasTooDear();
    const payments = await Promise.all(Array.from({ length: 50 }, () => accept()));
    for (const payment of payments) await engine.until(payment.requestId, ['DEAD_LETTERED'], 120_000);
    const pol = await accept('POL');
    await parked(pol);
    const wanted = { filter: { code: 'GAS_COST_EXCEEDED', currency: 'USDC', parkedBefore: new Date(Date.now() + 60_000).toISOString() } };
    const bulk = async (body: object) => (await api.post('/admin/dead-letters/retry', body)).json<{ matched: number; retried: number; requestIds: string[]; skipped: { reason: string }[]; more: boolean }>();

    const ids = payments.map(({ requestId }) => requestId).toSorted();
    const dry = await bulk({ ...wanted, dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, matched: 50, retried: 50, skipped: [], more: false });
    expect(dry.requestIds.toSorted()).toEqual(ids);
    expect(await bulk({ ...wanted, dryRun: true, limit: 10 })).toMatchObject({ matched: 10, retried: 10, more: true });
    expect(await engine.database.db.$count(deadLetters, eq(deadLetters.resolution, 'RETRIED'))).toBe(0);

    // Paged through, each once.
    const seen: string[] = [];
    for (let page = await list('?limit=20&currency=USDC'); ; page = await list(`?limit=20&currency=USDC&cursor=${page.nextCursor}`)) {
      seen.push(...page.items.map(({ requestId }) => requestId));
      if (page.nextCursor === null) break;
    }
    expect(seen.toSorted()).toEqual(ids);

    limit.restore();
    const [first, second] = await Promise.all([bulk(wanted), bulk(wanted)]);
    const third = await bulk(wanted);
    expect(new Set([...first.requestIds, ...second.requestIds]).size).toBe(50);
    expect(third.retried).toBe(0);
    expect(third.skipped.every(({ reason }) => reason === 'retry-said')).toBe(true);
    for (const payment of payments) {
      await engine.until(payment.requestId, ['COMPLETED'], 120_000);
      expect(await received(payment)).toEqual(ONCE);
    }
    expect(await engine.database.db.$count(deadLetters, eq(deadLetters.resolution, 'RETRIED'))).toBe(50);
    expect(await bulk(wanted)).toMatchObject({ matched: 0, retried: 0, skipped: [] });
    // The filter's others wait on.
    expect((await list()).items.map(({ requestId }) => requestId)).toEqual([pol.requestId]);
  });
});

it('the actions shown are those the calls take', async () => {
  await start();
  makeGasTooDear();
  const payment = await accept();
  await parked(payment);
  const agrees = async () => {
    const row = await engine.row(payment.requestId);
    const cancelled = await commitCancelIntent(engine.database.db, payment.requestId, 'all', new Date());
    return [whyNot('cancel', row), cancelled.kind === 'refused' ? cancelled.reason : null];
  };
  expect(await agrees()).toEqual([null, null]);
  // The intent stands now: no retry is taken against it.
  expect((await retry(payment.requestId)).json()).toMatchObject({ details: [{ reason: 'cancel-requested' }] });
  await engine.database.db.update(withdrawalRequests).set({ errorCode: 'PAID_BY_HAND' }).where(eq(withdrawalRequests.requestId, payment.requestId));
  expect(await agrees()).toEqual(['paid-by-hand', 'paid-by-hand']);
  await engine.database.db.update(withdrawalRequests).set({ paidTxHash: `0x${'cd'.repeat(32)}` }).where(eq(withdrawalRequests.requestId, payment.requestId));
  expect(await agrees()).toEqual(['payment-mined', 'payment-mined']);
  await engine.database.db.update(withdrawalRequests).set({ status: 'FAILED' }).where(eq(withdrawalRequests.requestId, payment.requestId));
  expect(await agrees()).toEqual(['ended', 'ended']);
});
