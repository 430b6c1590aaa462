import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fundReservations, signedTransactions } from '../../../db/schema/index.ts';
import { END_STATUSES, WITHDRAWAL_STATUSES } from '../../../domain/status.ts';
import { RECIPIENT, startTestApi, WALLET, type TestApi } from '../../api.testkit.ts';
import { acceptOne, setWithdrawal } from '../../withdrawals.testkit.ts';

const START = new Date('2026-11-20T10:20:00.000Z');
const at = (ms: number) => new Date(START.getTime() + ms);
const WINDOW = `from=${at(0).toISOString()}&to=${at(60_000).toISOString()}`;

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  const ids: string[] = [];
  for (const body of [{ amount: '10' }, { amount: '2.5' }, { amount: '1' }, { amount: '3', currency: 'POL' }, { amount: '4' }, { amount: '5' }]) ids.push(await acceptOne(api, body));
  const [first, second, failed, cancelled, open, later] = ids as [string, string, string, string, string, string];
  await setWithdrawal(api, first, { status: 'COMPLETED', createdAt: at(0), completedAt: at(8_000) });
  await setWithdrawal(api, second, { status: 'COMPLETED', createdAt: at(1_000), completedAt: at(21_000) });
  await setWithdrawal(api, failed, { status: 'FAILED', errorCode: 'INSUFFICIENT_BALANCE', createdAt: at(2_000), completedAt: at(3_000) });
  await setWithdrawal(api, cancelled, { status: 'CANCELLED', errorCode: 'CANCELLED_BY_REQUEST', createdAt: at(3_000), completedAt: at(4_000) });
  await setWithdrawal(api, open, { status: 'CONFIRMING', createdAt: at(59_999) });
  await setWithdrawal(api, later, { status: 'CONFIRMING', createdAt: at(60_000) });
  const attempt = { requestId: first, reservationId: 1, purpose: 'PAY', rawTransaction: '0x02', chainId: 80_002, nonce: 7, from: WALLET, to: RECIPIENT, value: 0n, gasLimit: 1n, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n, status: 'CONFIRMED' } as const;
  await api.database.db.insert(signedTransactions).values([
    { ...attempt, ordinal: 0, txHash: `0x${'01'.repeat(32)}`, signedAt: at(500), broadcastedAt: at(600) },
    { ...attempt, ordinal: 1, txHash: `0x${'02'.repeat(32)}`, signedAt: at(4_000), broadcastedAt: at(4_100) },
  ]);
  await api.database.db.insert(fundReservations).values({ requestId: first, chainId: 80_002, walletAddress: WALLET, tokenAddress: null, amount: 1n, gasLimit: 1n, gasWei: 1n, state: 'CONSUMED', spentAmount: 1n, spentGasWei: 1_250_000_000_000_000n, createdAt: at(0) });
});
afterAll(() => api.close());

const about = (ms: number) => ({ asymmetricMatch: (value: unknown) => typeof value === 'number' && Math.abs(value - ms) / ms < 0.02 });

describe('GET /admin/stats', () => {
  it('tells how the withdrawals of a window went', async () => {
    const response = await api.get(`/admin/stats?${WINDOW}`, api.admin);
    expect([response.statusCode, response.json()]).toEqual([
      200,
      {
        from: at(0).toISOString(),
        to: at(60_000).toISOString(),
        accepted: 5,
        statuses: { ...Object.fromEntries(WITHDRAWAL_STATUSES.map((status) => [status, 0])), COMPLETED: 2, FAILED: 1, CANCELLED: 1, CONFIRMING: 1 },
        successRate: 0.5,
        errors: expect.toSatisfy((errors: object[]) => errors.length === 2),
        latencies: {
          total: { count: 2, medianMs: about(8_000), p95Ms: about(20_000), p99Ms: about(20_000), maxMs: 20_000 },
          // By its first attempt.
          acceptedToSigned: { count: 1, medianMs: about(500), p95Ms: about(500), p99Ms: about(500), maxMs: 500 },
          signedToSent: { count: 1, medianMs: about(100), p95Ms: about(100), p99Ms: about(100), maxMs: 100 },
          sentToFinal: { count: 1, medianMs: about(7_400), p95Ms: about(7_400), p99Ms: about(7_400), maxMs: 7_400 },
        },
        volumes: [
          { currency: 'POL', accepted: { count: 1, amount: '3' }, paid: { count: 0, amount: '0' } },
          { currency: 'USDC', accepted: { count: 4, amount: '17.5' }, paid: { count: 2, amount: '12.5' } },
        ],
        gas: { currency: 'POL', amount: '0.00125' },
      },
    ]);
    expect(response.json<{ errors: object[] }>().errors).toEqual(expect.arrayContaining([{ code: 'INSUFFICIENT_BALANCE', status: 'FAILED', count: 1 }, { code: 'CANCELLED_BY_REQUEST', status: 'CANCELLED', count: 1 }]));
  });

  it('is about the last day when nothing is asked, and says so of nothing', async () => {
    const answer = (await api.get('/admin/stats', api.admin)).json<{ from: string; to: string; statuses: Record<string, number> }>();
    expect(Date.parse(answer.to) - Date.parse(answer.from)).toBe(24 * 3_600_000);
    expect(Math.abs(Date.now() - Date.parse(answer.to))).toBeLessThan(10_000);
    const empty = (await api.get('/admin/stats?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z', api.admin)).json<object>();
    expect(empty).toMatchObject({ accepted: 0, successRate: null, errors: [], volumes: [], gas: { amount: '0' }, latencies: { total: { count: 0, medianMs: null, maxMs: null } } });
    for (const status of END_STATUSES) expect(answer.statuses[status]).toBe(0);
  });

  it.each([
    ['from=yesterday', 'from'], ['to=2026-11-24', 'to'], ['from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z', 'from'], ['from=2026-11-01T00:00:00Z&to=2026-11-01T00:00:00Z', 'from'],
    ['from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:01Z', 'from'], ['window=1h', 'window'],
  ])('refuses ?%s', async (query, field) => {
    const response = await api.get(`/admin/stats?${query}`, api.admin);
    expect([response.statusCode, response.json()]).toMatchObject([400, { error: { code: 'VALIDATION_FAILED' }, details: [{ field }] }]);
  });

  it('is for an ADMIN only', async () => {
    expect((await api.get('/admin/stats?from=x')).statusCode).toBe(403);
    expect((await api.app.inject('/admin/stats')).statusCode).toBe(401);
  });
});
