import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { deadLetters, outbox } from '../../../db/schema/index.ts';
import { startTcpProxy, type TcpProxy } from '../../../tests/harness/tcp-proxy.ts';
import { startTestApi, type TestApi } from '../../api.testkit.ts';
import { acceptOne, setWithdrawal } from '../../withdrawals.testkit.ts';

const EARLIER = new Date('2026-11-24T01:02:03.004Z');
const LATER = new Date('2026-11-24T02:02:03.004Z');

let api: TestApi;
let proxy: TcpProxy;
beforeAll(async () => {
  proxy = await startTcpProxy(Number(inject('infrastructure').temporalAddress.split(':')[1]));
  api = await startTestApi({ temporalAddress: proxy.address });
  const [first, second, third, fourth] = [await acceptOne(api), await acceptOne(api), await acceptOne(api), await acceptOne(api)];
  await setWithdrawal(api, first, { status: 'CONFIRMING', createdAt: EARLIER });
  await setWithdrawal(api, second, { status: 'CONFIRMING', createdAt: LATER });
  await setWithdrawal(api, third, { status: 'DEAD_LETTERED', createdAt: LATER });
  await setWithdrawal(api, fourth, { status: 'COMPLETED', createdAt: EARLIER });
  await api.database.db.delete(outbox);
  await api.database.db.insert(outbox).values([{ requestId: first, createdAt: EARLIER, dispatchedAt: EARLIER }, { requestId: second, createdAt: LATER }]);
  const letter = { chainId: 80_002, currency: 'USDC', reason: 'test', code: 'SEND_REJECTED', class: 'unknown' } as const;
  await api.database.db.insert(deadLetters).values([
    { ...letter, requestId: third, openKey: third, parkedAt: LATER },
    { ...letter, requestId: second, openKey: second, parkedAt: EARLIER },
    { ...letter, requestId: first, openKey: first, code: 'KEY_INVALID', parkedAt: LATER },
    { ...letter, requestId: fourth, parkedAt: EARLIER, resolvedAt: LATER, resolution: 'RETRIED' },
  ]);
});
afterAll(async () => {
  await api.close();
  await proxy.stop();
});

const FROM_THE_DATABASE = {
  waiting: [
    { status: 'CONFIRMING', count: 2, oldestAt: EARLIER.toISOString() },
    { status: 'DEAD_LETTERED', count: 1, oldestAt: LATER.toISOString() },
  ],
  deadLetters: [
    { class: 'unknown', code: 'KEY_INVALID', count: 1, oldestAt: LATER.toISOString() },
    { class: 'unknown', code: 'SEND_REJECTED', count: 2, oldestAt: EARLIER.toISOString() },
  ],
  notStarted: { count: 1, oldestAt: LATER.toISOString() },
};

describe('GET /admin/queues', () => {
  it('shows what waits by status, what waits for a person, and what was not started', async () => {
    const answer = (await api.get('/admin/queues', api.admin)).json<{ items: object[] }>();
    expect(answer).toMatchObject({ temporal: 'up', nextCursor: null, ...FROM_THE_DATABASE });
    expect(answer.items).toHaveLength(7);
  });

  it.each(['cut', 'stall'] as const)('still shows the database’s part while Temporal is away: %s', async (kind) => {
    proxy.inject({ kind });
    const startedAt = performance.now();
    const response = await api.get('/admin/queues', api.admin);
    expect(performance.now() - startedAt).toBeLessThan(2_500);
    expect([response.statusCode, response.json()]).toEqual([200, { items: [], nextCursor: null, temporal: 'unavailable', ...FROM_THE_DATABASE }]);
    proxy.inject({ kind: 'pass' });
  });

  it('is for an ADMIN only', async () => {
    expect((await api.get('/admin/queues')).statusCode).toBe(403);
    expect((await api.app.inject('/admin/queues')).statusCode).toBe(401);
  });
});
