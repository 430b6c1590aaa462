import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startTestApi, type TestApi } from '../../api/api.testkit.ts';
import { KEY_STORE } from '../../activities/custody/watch-key-store.ts';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts';
import { paidTo } from '../harness/transfers.ts';

const MINUTE_MS = 60_000;

/** The whole road over HTTP, Temporal and the chain, with Secrets Manager behind a line that can be cut. */
describe('while Secrets Manager is out', () => {
  let engine: TestEngine;
  let api: TestApi;
  let proxy: TcpProxy;
  /** how far the signer's clock is ahead */
  let aheadMs = 0;
  beforeAll(async () => {
    const moto = new URL(inject('infrastructure').awsEndpointUrl);
    proxy = await startTcpProxy(Number(moto.port));
    const secretStore = { region: 'us-east-1', endpoint: `http://${proxy.address}`, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
    engine = await startEngine({ custody: { secretStore, nowMs: () => performance.now() + aheadMs } });
    api = await startTestApi({ engine });
  });
  afterAll(async () => {
    await api.close();
    await engine.stop();
    await proxy.stop();
  });

  interface Payment {
    requestId: string;
    toAddress: string;
  }
  async function post(): Promise<Payment> {
    const toAddress = Wallet.createRandom().address;
    const response = await api.post({ amount: '2', currency: 'USDC', toAddress, network: 'polygon-amoy' });
    expect(response.statusCode).toBe(202);
    return { requestId: response.json<{ requestId: string }>().requestId, toAddress };
  }
  async function expectPaidOnce({ requestId, toAddress }: Payment): Promise<void> {
    const { tokenAddress } = await engine.until(requestId, ['COMPLETED'], 90_000);
    expect(await paidTo(engine.chain, tokenAddress, toAddress)).toEqual({ total: 2_000_000n, payments: 1 });
  }
  /** How often the workflow has tried the step it waits in, and what it was told. */
  async function waitsFor({ requestId }: Payment): Promise<{ attempt: number; failure: string | null | undefined }> {
    const { raw } = await engine.handle(requestId).describe();
    const [pending] = raw.pendingActivities ?? [];
    return { attempt: pending?.attempt ?? 0, failure: pending?.lastFailure?.applicationFailureInfo?.type };
  }

  it('pays from what is remembered for ten minutes, then signs nothing while withdrawals are accepted and wait, and pays each once when it is back', async () => {
    // The key is read, so that it is remembered.
    await expectPaidOnce(await post());

    proxy.inject({ kind: 'cut' });
    aheadMs += 9 * MINUTE_MS;
    await expectPaidOnce(await post());
    expect(await listOpenAlerts(engine.database.db, KEY_STORE)).toEqual([]);

    aheadMs += 2 * MINUTE_MS;
    const waiting = [await post(), await post(), await post()];
    for (const payment of waiting) await expect.poll(() => waitsFor(payment), { timeout: 60_000 }).toMatchObject({ failure: 'KEY_UNAVAILABLE' });
    // Tried again and again: it waits the outage out, and is no dead letter.
    await expect.poll(async () => (await waitsFor(waiting[0] as Payment)).attempt, { timeout: 60_000 }).toBeGreaterThan(3);
    for (const { requestId } of waiting) {
      expect(['PENDING', 'SIGNING']).toContain((await engine.row(requestId)).status);
      expect(await engine.database.db.query.signedTransactions.findMany({ where: (attempts, { eq }) => eq(attempts.requestId, requestId) })).toEqual([]);
    }
    expect(await listOpenAlerts(engine.database.db, KEY_STORE)).toMatchObject([{ kind: 'KEY_STORE_UNAVAILABLE' }]);

    proxy.inject({ kind: 'pass' });
    for (const payment of waiting) await expectPaidOnce(payment);
    expect(await listOpenAlerts(engine.database.db, KEY_STORE)).toEqual([]);
  });
});
