import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withdrawalEvents } from '../../db/schema/index.ts';
import { startTestApi, type TestApi } from '../api.testkit.ts';
import { acceptOne, addAttempt, addEvent, setWithdrawal, TX_HASH } from '../withdrawals.testkit.ts';

let api: TestApi;
let requestId: string;
beforeAll(async () => {
  api = await startTestApi();
  requestId = await acceptOne(api);
});
afterAll(() => api.close());

describe('GET /withdrawals/:requestId', () => {
  it('shows a withdrawal on its way with its attempts, timeline and unknown outcome', async () => {
    await addAttempt(api, requestId);
    await addEvent(api, requestId, 'signed', 'SIGNED');
    await setWithdrawal(api, requestId, { status: 'BROADCASTED', hasLivePayment: true, txHash: TX_HASH });
    const response = await api.get(`/withdrawals/${requestId}`, api.user, { 'accept-language': 'en' });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({
      status: 'BROADCASTED',
      outcome: 'UNKNOWN',
      outcomeNote: expect.stringContaining('final'),
      txHash: TX_HASH,
      explorerUrl: `https://amoy.polygonscan.com/tx/${TX_HASH}`,
      attempts: [
        {
          hash: TX_HASH,
          nonce: 7,
          status: 'BROADCASTED',
          purpose: 'PAY',
          explorerUrl: `https://amoy.polygonscan.com/tx/${TX_HASH}`,
          retryCount: 0,
          maxFeePerGas: '60000000000',
          maxPriorityFeePerGas: '25000000000',
          gasLimit: '84500',
          signedAt: '2026-11-24T04:20:01.020Z',
          broadcastedAt: '2026-11-24T04:20:01.093Z',
          confirmedAt: null,
        },
      ],
      timeline: [
        { id: expect.any(Number), type: 'accepted', status: 'PENDING', detail: {}, at: expect.any(String) },
        { type: 'signed', status: 'SIGNED', detail: { nonce: 7 } },
      ],
    });
  });

  it('says what it waits for, since when and until when, while it waits for funds', async () => {
    const waiting = await acceptOne(api);
    expect((await api.get(`/withdrawals/${waiting}`)).json()).not.toHaveProperty('waitingFor');
    await api.database.db.insert(withdrawalEvents).values({ requestId: waiting, type: 'waiting for funds', status: 'AWAITING_FUNDS', detail: { missing: 'gas' }, createdAt: new Date('2026-11-24T04:20:00.000Z') });
    await setWithdrawal(api, waiting, { status: 'AWAITING_FUNDS' });
    expect((await api.get(`/withdrawals/${waiting}`)).json()).toMatchObject({ waitingFor: { what: 'gas', since: '2026-11-24T04:20:00.000Z', until: '2026-11-24T04:21:00.000Z' } });
    await setWithdrawal(api, waiting, { status: 'SIGNING' });
    expect((await api.get(`/withdrawals/${waiting}`)).json()).not.toHaveProperty('waitingFor');
  });

  it('says retryable only once nothing can be paid any more', async () => {
    await setWithdrawal(api, requestId, { status: 'AWAITING_FUNDS', hasLivePayment: false, errorCode: 'INSUFFICIENT_BALANCE', txHash: null });
    expect((await api.get(`/withdrawals/${requestId}`)).json()).toMatchObject({ outcome: 'NOT_SENT', errorCode: 'INSUFFICIENT_BALANCE', errorMessage: expect.stringContaining('잔액'), retryable: false });
    await setWithdrawal(api, requestId, { status: 'FAILED', completedAt: new Date() });
    const ended = (await api.get(`/withdrawals/${requestId}`)).json();
    expect(ended).toMatchObject({ outcome: 'NOT_PAID', retryable: true, completedAt: expect.any(String) });
    expect(ended).not.toHaveProperty('outcomeNote');
  });

  it('is seen by its owner and an ADMIN, and does not exist for another user', async () => {
    expect((await api.get(`/withdrawals/${requestId}`, api.admin)).statusCode).toBe(200);
    for (const response of [await api.get(`/withdrawals/${requestId}`, api.stranger), await api.get('/withdrawals/tx-1'), await api.get("/withdrawals/'%20OR%201=1")]) {
      expect(response.statusCode).toBe(404);
      expect(response.json()).toMatchObject({ error: { code: 'NOT_FOUND', retryable: false } });
    }
    expect((await api.get(`/withdrawals/${requestId}%20`)).statusCode).toBe(400);
    expect((await api.app.inject({ url: `/withdrawals/${requestId}` })).statusCode).toBe(401);
  });
});
