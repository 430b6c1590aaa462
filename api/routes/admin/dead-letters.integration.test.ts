import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { openDeadLetter, resolveDeadLetter } from '../../../db/repositories/operations/dead-letters.ts';
import { raiseAlert, resolveAlert } from '../../../db/repositories/operations/alerts.ts';
import { alerts, deadLetters } from '../../../db/schema/index.ts';
import { transact } from '../../../db/transact.ts';
import { ERROR_CATALOGUE, type ErrorCode } from '../../../domain/errors.ts';
import { workflowIdOf } from '../../../domain/request-id.ts';
import { ensureSearchAttributes } from '../../../temporal-config/search-attributes.ts';
import { startTestApi, type TestAccount, type TestApi } from '../../api.testkit.ts';
import { openedTexts } from '../../../tests/harness/payloads.ts';
import type { DeadLetterView } from '../../schemas/dead-letter.ts';
import { acceptOne, setWithdrawal, TX_HASH } from '../../withdrawals.testkit.ts';

const UNKNOWN_ID = 'tx-1795494000000-0123456789abcdef0123';

let api: TestApi;
beforeAll(async () => {
  await ensureSearchAttributes({ address: inject('infrastructure').temporalAddress, namespace: 'default' });
  api = await startTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.database.db.delete(deadLetters);
  await api.database.db.delete(alerts);
});

const send = (method: 'GET' | 'POST', url: string, payload?: object, by: TestAccount | null = api.admin) =>
  api.app.inject({ method, url, headers: { ...(by && { authorization: by.bearer }), 'accept-language': 'en' }, ...(payload && { payload }) });

/** Parks a withdrawal as its workflow would, some seconds ago. */
async function park(options: { code?: ErrorCode; currency?: string; secondsAgo?: number; resolved?: boolean } = {}): Promise<string> {
  const { code = 'KEY_INVALID', currency = 'USDC', secondsAgo = 0, resolved = false } = options;
  const requestId = await acceptOne(api, { currency });
  await setWithdrawal(api, requestId, { status: 'DEAD_LETTERED', errorCode: code });
  await transact(api.database.db, async (tx) => {
    await openDeadLetter(tx, { requestId, chainId: 80002, currency, code, class: ERROR_CATALOGUE[code].class, reason: `${code} (why)` });
    if (resolved) await resolveDeadLetter(tx, requestId, 'RETRIED');
  });
  await api.database.db.update(deadLetters).set({ parkedAt: new Date(Date.now() - secondsAgo * 1_000) }).where(eq(deadLetters.requestId, requestId));
  return requestId;
}
const found = async (query: string) => (await send('GET', `/admin/dead-letters${query}`)).json<{ items: DeadLetterView[] }>().items.map(({ requestId }) => requestId);
const letterOf = async (requestId: string) => (await api.database.db.select().from(deadLetters).where(eq(deadLetters.requestId, requestId)))[0];

async function signalsOf(requestId: string) {
  const { events } = await api.temporal.workflow.getHandle(workflowIdOf(requestId)).fetchHistory();
  const signals = (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => (signal ? [signal] : []));
  return Promise.all(signals.map(async ({ signalName, input }) => [signalName, ...(await openedTexts(input)).map((text) => JSON.parse(text) as unknown)]));
}

describe('who may call', () => {
  it.each([
    ['GET', '/admin/dead-letters?class=nonsense'],
    ['POST', '/admin/dead-letters/retry'],
    ['POST', `/admin/transactions/${UNKNOWN_ID}/retry`],
    ['POST', `/admin/transactions/${UNKNOWN_ID}/mark-paid`],
    ['GET', '/admin/alerts?kind=nonsense'],
  ] as const)('%s %s: an ADMIN only, asked before anything is judged', async (method, url) => {
    expect((await send(method, url, method === 'POST' ? {} : undefined, null)).statusCode).toBe(401);
    expect((await send(method, url, method === 'POST' ? {} : undefined, api.user)).statusCode).toBe(403);
  });
});

describe('GET /admin/dead-letters', () => {
  it('filters by class, code, currency, age and time, open or resolved, and pages newest first', async () => {
    const old = await park({ secondsAgo: 7_200 });
    const seal = await park({ code: 'SEAL_BROKEN', secondsAgo: 60 });
    const pol = await park({ currency: 'POL' });
    const funds = await park({ code: 'INSUFFICIENT_BALANCE' });
    const answered = await park({ resolved: true });

    expect(await found('')).toEqual([funds, pol, seal, old]);
    expect(await found('?class=unknown')).toEqual([pol, seal, old]);
    expect(await found('?class=transient')).toEqual([funds]);
    expect(await found('?code=SEAL_BROKEN')).toEqual([seal]);
    expect(await found('?currency=POL&code=KEY_INVALID')).toEqual([pol]);
    expect(await found('?olderThanSeconds=3600')).toEqual([old]);
    expect(await found(`?to=${new Date(Date.now() - 30_000).toISOString()}`)).toEqual([seal, old]);
    expect(await found(`?to=${new Date(Date.now() - 30_000).toISOString()}&olderThanSeconds=3600`)).toEqual([old]);
    expect(await found(`?from=${new Date(Date.now() - 30_000).toISOString()}`)).toEqual([funds, pol]);
    expect(await found('?state=resolved')).toEqual([answered]);

    const first = (await send('GET', '/admin/dead-letters?limit=3')).json<{ items: DeadLetterView[]; nextCursor: string }>();
    expect(first.items).toHaveLength(3);
    const rest = (await send('GET', `/admin/dead-letters?limit=3&cursor=${first.nextCursor}`)).json();
    expect(rest).toMatchObject({ items: [{ requestId: old, ageSeconds: expect.any(Number), reason: 'KEY_INVALID (why)' }], nextCursor: null });
  });

  it.each(['class=nonsense', 'code=NONSENSE', 'state=all', 'olderThanSeconds=-1', 'olderThanSeconds=soon', 'from=yesterday', 'cursor=nonsense', 'limit=0', 'nonsense=1'])('refuses ?%s', async (query) => {
    const answer = await send('GET', `/admin/dead-letters?${query}`);
    expect([answer.statusCode, answer.json()]).toMatchObject([400, { error: { code: 'VALIDATION_FAILED' }, details: [{ field: expect.any(String) }] }]);
  });
});

describe('POST /admin/transactions/:id/retry', () => {
  it('tells the workflow which letter is answered, notes who said so, and says it again when asked again', async () => {
    const requestId = await park();
    const letter = await letterOf(requestId);
    const answer = await send('POST', `/admin/transactions/${requestId}/retry`);
    expect([answer.statusCode, answer.json()]).toMatchObject([202, { requestId, status: 'DEAD_LETTERED' }]);
    expect((await send('POST', `/admin/transactions/${requestId}/retry`)).statusCode).toBe(202);
    expect(await signalsOf(requestId)).toEqual([['retry', letter?.id], ['retry', letter?.id]]);
    expect(await letterOf(requestId)).toMatchObject({ retrySaidBy: api.admin.id, retrySaidAt: expect.any(Date) });
    const line = api.logText().split('\n').find((text) => text.includes('retry requested'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ level: 'INFO', accountId: api.admin.id, requestId });
  });

  it('starts a workflow that was terminated, with the word', async () => {
    const requestId = await park();
    await send('POST', `/admin/transactions/${requestId}/retry`);
    await api.temporal.workflow.getHandle(workflowIdOf(requestId)).terminate('by hand');
    expect((await send('POST', `/admin/transactions/${requestId}/retry`)).statusCode).toBe(202);
    expect(await signalsOf(requestId)).toEqual([['retry', (await letterOf(requestId))?.id]]);
  });

  it('of one that was parked before there were letters is for whatever it waits by', async () => {
    const requestId = await park();
    await api.database.db.delete(deadLetters);
    expect((await send('POST', `/admin/transactions/${requestId}/retry`)).statusCode).toBe(202);
    expect(await signalsOf(requestId)).toEqual([['retry']]);
  });

  it('says why not', async () => {
    expect((await send('POST', `/admin/transactions/${UNKNOWN_ID}/retry`)).statusCode).toBe(404);
    const going = await acceptOne(api);
    const refused = await send('POST', `/admin/transactions/${going}/retry`);
    expect([refused.statusCode, refused.json()]).toMatchObject([409, { error: { code: 'INVALID_STATE', message: expect.stringContaining('PENDING') }, details: [{ field: 'status', reason: 'not-parked' }] }]);
  });
});

describe('POST /admin/transactions/:id/mark-paid', () => {
  it('tells the workflow the hash, in lower case', async () => {
    const requestId = await park();
    expect((await send('POST', `/admin/transactions/${requestId}/mark-paid`, { txHash: TX_HASH.toUpperCase().replace('0X', '0x') })).statusCode).toBe(202);
    expect(await signalsOf(requestId)).toEqual([['markPaid', TX_HASH]]);
  });

  it.each([{}, { txHash: '0x12' }, { txHash: `${TX_HASH}00` }, { txHash: 12 }, { txHash: TX_HASH, more: 1 }])('refuses %o', async (body) => {
    const answer = await send('POST', `/admin/transactions/${UNKNOWN_ID}/mark-paid`, body);
    expect([answer.statusCode, answer.json()]).toMatchObject([400, { error: { code: 'VALIDATION_FAILED' } }]);
  });

  it('knows only withdrawals, and none that has ended', async () => {
    expect((await send('POST', `/admin/transactions/${UNKNOWN_ID}/mark-paid`, { txHash: TX_HASH })).statusCode).toBe(404);
    const requestId = await park();
    await setWithdrawal(api, requestId, { status: 'FAILED' });
    expect((await send('POST', `/admin/transactions/${requestId}/mark-paid`, { txHash: TX_HASH })).json()).toMatchObject({ error: { code: 'INVALID_STATE' }, details: [{ reason: 'ended' }] });
  });
});

describe('POST /admin/dead-letters/retry', () => {
  const bulk = (payload: object) => send('POST', '/admin/dead-letters/retry', payload);

  it('answers what the filter fits, longest waiting first, and skips with a reason', async () => {
    const old = await park({ secondsAgo: 3_600 });
    const moved = await park();
    await setWithdrawal(api, moved, { paidTxHash: TX_HASH, paidLogIndex: 0 });
    const seal = await park({ code: 'SEAL_BROKEN' });
    expect((await bulk({ filter: { code: 'KEY_INVALID' }, dryRun: true })).json()).toEqual({ dryRun: true, matched: 2, retried: 1, requestIds: [old], skipped: [{ requestId: moved, reason: 'money-moved' }], more: false });
    expect((await letterOf(old))?.retrySaidAt).toBeNull();
    expect((await bulk({ filter: { all: true }, limit: 1 })).json()).toMatchObject({ matched: 1, requestIds: [old], more: true });
    expect((await bulk({ filter: { requestIds: [old, seal] } })).json()).toMatchObject({ matched: 2, requestIds: [seal], skipped: [{ requestId: old, reason: 'retry-said' }] });
    expect(await signalsOf(old)).toHaveLength(1);
    expect(api.logText()).toContain('dead letters retried');
  });

  it.each([
    [{}, 'filter'],
    [{ filter: {} }, 'filter'],
    [{ filter: { all: true, code: 'KEY_INVALID' } }, 'filter'],
    [{ filter: { all: false } }, 'filter.all'],
    [{ filter: { requestIds: [] } }, 'filter.requestIds'],
    [{ filter: { parkedBefore: 'yesterday' } }, 'filter.parkedBefore'],
    [{ filter: { all: true }, limit: 501 }, 'limit'],
    [{ all: true }, 'filter'],
  ])('refuses %o', async (body, field) => {
    const answer = await bulk(body);
    expect([answer.statusCode, answer.json<{ error: { code: string }; details: { field: string }[] }>().error.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(answer.json<{ details: { field: string }[] }>().details.map((detail) => detail.field)).toContain(field);
  });
});

describe('GET /admin/alerts', () => {
  it('shows the open ones, newest first, by kind and subject, or those that are resolved', async () => {
    const { db } = api.database;
    await raiseAlert(db, { kind: 'GAS_LOW', chainId: 80002, subject: '0xw1', detail: { balanceWei: '1' } });
    await raiseAlert(db, { kind: 'GAS_LOW', chainId: 80002, subject: '0xw1' });
    await raiseAlert(db, { kind: 'NONCE_GAP', chainId: 80002, subject: '0xw1' });
    await raiseAlert(db, { kind: 'GAS_LOW', chainId: 80002, subject: '0xw2' });
    await resolveAlert(db, 'GAS_LOW', '0xw2');
    const list = async (query = '') => (await send('GET', `/admin/alerts${query}`)).json<{ items: object[]; nextCursor: string | null }>();
    expect(await list()).toMatchObject({ items: [{ kind: 'NONCE_GAP' }, { kind: 'GAS_LOW', subject: '0xw1', timesSeen: 2, detail: { balanceWei: '1' }, resolvedAt: null }], nextCursor: null });
    expect((await list('?kind=GAS_LOW')).items).toHaveLength(1);
    expect((await list('?subject=0xw2')).items).toEqual([]);
    expect((await list('?state=resolved')).items).toMatchObject([{ subject: '0xw2', resolvedAt: expect.any(String) }]);
    const { items, nextCursor } = await list('?limit=1');
    expect(items).toMatchObject([{ kind: 'NONCE_GAP' }]);
    expect(await list(`?limit=1&cursor=${nextCursor}`)).toMatchObject({ items: [{ kind: 'GAS_LOW' }], nextCursor: null });
    expect((await send('GET', '/admin/alerts?cursor=x')).statusCode).toBe(400);
  });
});
