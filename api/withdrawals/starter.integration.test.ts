import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { listWaitingStarts } from '../../db/repositories/withdrawals/outbox.ts';
import { getWithdrawal } from '../../db/repositories/withdrawals/withdrawals.ts';
import { outbox } from '../../db/schema/index.ts';
import { workflowIdOf } from '../../domain/request-id.ts';
import { ensureSearchAttributes } from '../../temporal-config/search-attributes.ts';
import { BODY, startTestApi, type TestApi } from '../api.testkit.ts';
import { acceptOne } from '../withdrawals.testkit.ts';
import { sha256Hex } from './body-hash.ts';

let api: TestApi;
beforeAll(async () => {
  await ensureSearchAttributes({ address: inject('infrastructure').temporalAddress, namespace: 'default' });
  api = await startTestApi();
});
afterAll(() => api.close());

const dispatchedAt = async (of: TestApi, requestId: string) => (await of.database.db.select().from(outbox).where(eq(outbox.requestId, requestId)))[0]?.dispatchedAt ?? null;

describe('the workflow starter', () => {
  it('starts one workflow behind the answer, with owner and key hash in the memo, and notes it', async () => {
    const headers = { 'idempotency-key': 'order-4711', 'x-correlation-id': 'order-4711-x' };
    const { requestId } = (await api.post(BODY, headers)).json<{ requestId: string }>();
    await api.post(BODY, headers);
    await expect.poll(() => dispatchedAt(api, requestId), { timeout: 10_000 }).toBeInstanceOf(Date);
    const description = await api.temporal.workflow.getHandle(workflowIdOf(requestId)).describe();
    expect(description.status.name).toBe('RUNNING');
    const row = await getWithdrawal(api.database.db, requestId);
    expect(description.memo).toEqual({
      ownerId: api.user.id,
      idempotencyKeyHash: sha256Hex('order-4711'),
      sealed: {
        correlationId: 'order-4711-x', network: 'polygon-amoy', chainId: 80002, currency: 'USDC', tokenAddress: row.tokenAddress, decimals: 6, amount: '12500000', toAddress: row.toAddress,
        seal: row.seal, createdAt: row.createdAt.toISOString(), bodyHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
    expect(await listWaitingStarts(api.database.db, new Date(Date.now() + 1_000), 10)).not.toContainEqual(expect.objectContaining({ requestId }));
  });

  it('signals a cancellation to the workflow', async () => {
    const requestId = await acceptOne(api);
    await expect.poll(() => dispatchedAt(api, requestId), { timeout: 10_000 }).toBeInstanceOf(Date);
    await api.app.inject({ method: 'POST', url: `/withdrawals/${requestId}/cancel`, headers: { authorization: api.user.bearer } });
    const signals = async () => (await api.temporal.workflow.getHandle(workflowIdOf(requestId)).fetchHistory()).events?.flatMap((event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? []);
    await expect.poll(signals, { timeout: 10_000 }).toEqual(['cancel']);
  });

  it('without Temporal leaves the promise in the outbox for the sweeper', async () => {
    const lonely = await startTestApi({ temporalAddress: '127.0.0.1:9' });
    const requestId = await acceptOne(lonely);
    const waiting = await listWaitingStarts(lonely.database.db, new Date(Date.now() + 1_000), 10);
    expect(waiting).toEqual([{ requestId, correlationId: expect.any(String), currency: 'USDC', ownerId: lonely.user.id, idempotencyKeyHash: expect.stringMatching(/^[0-9a-f]{64}$/), sealed: expect.objectContaining({ amount: '12500000' }), acceptedAt: expect.any(Date) }]);
    expect(await listWaitingStarts(lonely.database.db, new Date(Date.now() - 60_000), 10)).toEqual([]);
    const startedAt = Date.now();
    await lonely.close();
    expect(Date.now() - startedAt).toBeLessThan(7_000);
    expect(lonely.logText()).toContain('starting the workflow failed');
  });

  it('calls the crash point after the commit and before the answer, for new withdrawals only', async () => {
    const hits: string[] = [];
    const crashing = await startTestApi({ crashPoint: (name) => hits.push(name) });
    try {
      await crashing.post(BODY, { 'idempotency-key': 'once' });
      await crashing.post(BODY, { 'idempotency-key': 'once' });
      await crashing.post({ ...BODY, amount: '0' });
      expect(hits).toEqual(['row-committed']);
    } finally {
      await crashing.close();
    }
  });
});
