import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Wallet } from 'ethers';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReceiver, type Receiver } from '../../activities/webhooks/receiver.testkit.ts';
import { startSandbox, type TestSandbox } from '../harness/sandbox.ts';

const WAIT = { timeout: 60_000, interval: 200 };

describe('notifications of a running sandbox', () => {
  let sandbox: TestSandbox;
  let receiver: Receiver;
  let accessToken: string;
  beforeAll(async () => {
    [sandbox, receiver] = await Promise.all([startSandbox(), startReceiver()]);
    const { user } = sandbox.credentials;
    accessToken = (await post<{ accessToken: string }>('/auth/login', user)).accessToken;
  });
  afterAll(async () => {
    await receiver.close();
    await sandbox.stop();
  });

  async function post<T>(path: string, body: object, headers: Record<string, string> = {}): Promise<T> {
    const response = await fetch(`${sandbox.credentials.baseUrl}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...(accessToken && { authorization: `Bearer ${accessToken}` }), ...headers }, body: JSON.stringify(body) });
    expect(response.ok, `${path} answered ${response.status}`).toBe(true);
    return (await response.json()) as T;
  }

  it('come again when the worker is killed in the middle of a request, under the same id, and all arrive', async () => {
    const { secret } = await post<{ secret: string }>('/webhooks', { url: receiver.url });
    receiver.answer = () => undefined;
    const asset = sandbox.credentials.assets.find(({ currency }) => currency === 'USDC');
    const { requestId } = await post<{ requestId: string }>('/withdrawals', { amount: '1.5', currency: asset?.currency, toAddress: Wallet.createRandom().address, network: 'polygon-amoy' }, { 'idempotency-key': randomUUID() });
    await expect.poll(() => receiver.open(), WAIT).toBeGreaterThanOrEqual(1);
    const torn = receiver.received[0]?.headers['webhook-id'];
    const killed = sandbox.pidOf('withdrawal-worker');
    process.kill(killed, 'SIGKILL');
    receiver.answer = 204;
    const typesOf = () => new Set(receiver.received.map(({ body }) => (JSON.parse(body) as { type: string }).type));
    await expect.poll(typesOf, WAIT).toEqual(new Set(['withdrawal.pending', 'withdrawal.broadcasted', 'withdrawal.confirming', 'withdrawal.completed']));
    await expect.poll(() => receiver.received.filter(({ headers }) => headers['webhook-id'] === torn).length, WAIT).toBeGreaterThanOrEqual(2);
    expect(sandbox.pidOf('withdrawal-worker')).not.toBe(killed);
    for (const { body, headers } of receiver.received) expect(new Webhook(secret).verify(body, headers)).toMatchObject({ data: { requestId } });
    // Bodies and ids belong together, whoever sent them.
    const bodies = new Map(receiver.received.map(({ headers, body }) => [headers['webhook-id'], body]));
    for (const { headers, body } of receiver.received) expect(bodies.get(headers['webhook-id'])).toBe(body);
    for (const role of ['api-server', 'withdrawal-worker']) expect(readFileSync(`${sandbox.stateDir}/logs/${role}.log`, 'utf8')).not.toContain('whsec_');
  });
});
