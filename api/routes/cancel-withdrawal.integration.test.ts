import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withdrawalEvents, withdrawalRequests } from '../../db/schema/index.ts';
import { startTestApi, type TestAccount, type TestApi } from '../api.testkit.ts';
import { acceptOne, setWithdrawal } from '../withdrawals.testkit.ts';

let api: TestApi;
beforeAll(async () => {
  // Nobody listens there: cancelling must not need Temporal.
  api = await startTestApi({ temporalAddress: '127.0.0.1:9' });
});
afterAll(() => api.close());

const cancel = (requestId: string, account?: TestAccount) =>
  api.app.inject({ method: 'POST', url: `/withdrawals/${requestId}/cancel`, headers: { authorization: (account ?? api.user).bearer } });
const cancelEvents = (requestId: string) => api.database.db.select().from(withdrawalEvents).where(eq(withdrawalEvents.requestId, requestId));
const intentOf = async (requestId: string) => (await api.database.db.select().from(withdrawalRequests).where(eq(withdrawalRequests.requestId, requestId)))[0]?.cancelIntentAt ?? null;

describe('POST /withdrawals/:requestId/cancel', () => {
  it.each(['PENDING', 'AWAITING_APPROVAL', 'AWAITING_FUNDS', 'SIGNING', 'SIGNED', 'BROADCASTING', 'BROADCASTED', 'DEAD_LETTERED'] as const)('commits the intent in %s, once', async (status) => {
    const requestId = await acceptOne(api);
    await setWithdrawal(api, requestId, { status });
    const first = await cancel(requestId);
    expect(first.statusCode).toBe(202);
    expect(first.json()).toMatchObject({ requestId, status });
    const intent = await intentOf(requestId);
    expect(intent).toBeInstanceOf(Date);
    expect((await cancel(requestId)).statusCode).toBe(202);
    expect(await intentOf(requestId)).toEqual(intent);
    expect((await cancelEvents(requestId)).map(({ type }) => type)).toEqual(['accepted', 'cancel-requested']);
  });

  it.each([
    ['CONFIRMING', true, 'payment-mined'],
    ['CONFIRMING', false, 'payment-mined'],
    ['COMPLETED', false, 'ended'],
    ['FAILED', false, 'ended'],
    ['CANCELLED', false, 'ended'],
  ] as const)('refuses in %s with live payment %s', async (status, hasLivePayment, reason) => {
    const requestId = await acceptOne(api);
    await setWithdrawal(api, requestId, { status, hasLivePayment });
    const response = await cancel(requestId);
    expect(response.statusCode).toBe(409);
    expect(response.json()).toMatchObject({ error: { code: 'INVALID_STATE', retryable: false, message: expect.stringContaining(status) }, details: [{ field: 'status', reason }] });
    expect(await intentOf(requestId)).toBeNull();
  });

  it.each(['', '{}', undefined])('takes the body %s for none', async (payload) => {
    const requestId = await acceptOne(api);
    const headers = { authorization: api.user.bearer, 'content-type': 'application/json' };
    const response = await api.app.inject({ method: 'POST', url: `/withdrawals/${requestId}/cancel`, headers, ...(payload !== undefined && { payload }) });
    expect(response.statusCode).toBe(202);
  });

  it('takes one place in the timeline for many calls at once', async () => {
    const requestId = await acceptOne(api);
    const responses = await Promise.all(Array.from({ length: 10 }, () => cancel(requestId)));
    expect(responses.every(({ statusCode }) => statusCode === 202)).toBe(true);
    expect(await cancelEvents(requestId)).toHaveLength(2);
  });

  it("is an ADMIN's right too, and nobody else's", async () => {
    const requestId = await acceptOne(api);
    expect((await cancel(requestId, api.stranger)).statusCode).toBe(404);
    expect(await intentOf(requestId)).toBeNull();
    expect((await cancel(requestId, api.admin)).statusCode).toBe(202);
    expect((await cancel('tx-1')).statusCode).toBe(404);
  });
});
