import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAddress } from '../../domain/address.ts';
import { startEngineApi, type EngineApi } from '../harness/engine-api.ts';
import { startEngine, type TestEngine } from '../harness/engine.ts';

const WITHDRAWALS = 5;

interface Queues {
  temporal: string;
  items: { taskQueue: string; kind: string; role: string; backlog: number; oldestMs: number | null; addedPerSecond: number; dispatchedPerSecond: number; pollers: { identity: string; lastAccessAt: string }[] }[];
  waiting: { status: string; count: number; oldestAt: string }[];
}

let engine: TestEngine;
let api: EngineApi;
beforeAll(async () => {
  engine = await startEngine({ webhooks: {} });
  api = await startEngineApi(engine);
});
afterAll(async () => {
  await api.close();
  await engine.stop();
});

const read = async () => (await api.get('/admin/queues')).json<Queues>();
const workflows = ({ items }: Queues) => items.find(({ taskQueue, kind }) => taskQueue === 'withdrawals' && kind === 'workflow');

async function until(holds: (queues: Queues) => boolean, what: string): Promise<Queues> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const queues = await read();
    if (holds(queues)) return queues;
    if (Date.now() > deadline) throw new Error(`${what}: ${JSON.stringify(queues)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

describe('GET /admin/queues', () => {
  it('shows who serves each queue, a backlog that grows while nobody does, and that it drains', async () => {
    const idle = await until(({ items }) => items.every(({ pollers }) => pollers.length > 0), 'every queue is polled');
    expect(idle.temporal).toBe('up');
    expect(idle.items.map(({ taskQueue, kind, role, backlog, oldestMs }) => [taskQueue, kind, role, backlog, oldestMs])).toEqual([
      ['withdrawals', 'workflow', 'withdrawal-worker', 0, null],
      ['withdrawals', 'activity', 'withdrawal-worker', 0, null],
      ['signing', 'activity', 'signing-service', 0, null],
      ['broadcast', 'activity', 'tx-broadcaster', 0, null],
      ['monitor', 'activity', 'tx-monitor', 0, null],
      ['notifications', 'workflow', 'withdrawal-worker', 0, null],
      ['notifications', 'activity', 'withdrawal-worker', 0, null],
    ]);
    for (const { pollers } of idle.items) for (const { identity, lastAccessAt } of pollers) expect([identity, Date.now() - Date.parse(lastAccessAt) < 120_000]).toEqual([expect.stringMatching(/.+@.+/), true]);

    await engine.stopRoles();
    const acceptedAt = Date.now();
    const ids: string[] = [];
    for (let index = 0; index < WITHDRAWALS; index += 1) ids.push(await engine.accept({ currency: 'USDC', toAddress: parseAddress(`0x${randomBytes(20).toString('hex')}`), amount: 1_000_000n }));
    const grown = await until((queues) => workflows(queues)?.backlog === WITHDRAWALS, 'the backlog grows');
    expect(workflows(grown)?.addedPerSecond).toBeGreaterThan(0);
    const oldestMs = workflows(grown)?.oldestMs ?? 0;
    expect(oldestMs).toBeGreaterThan(0);
    expect(oldestMs).toBeLessThanOrEqual(Date.now() - acceptedAt + 1_000);
    expect(grown.waiting).toEqual([{ status: 'PENDING', count: WITHDRAWALS, oldestAt: expect.any(String) }]);
    const older = await until((queues) => (workflows(queues)?.oldestMs ?? 0) > oldestMs, 'the oldest grows older');
    expect(workflows(older)?.backlog).toBe(WITHDRAWALS);

    await engine.startRoles();
    const drained = await until((queues) => workflows(queues)?.backlog === 0, 'the backlog drains');
    expect(workflows(drained)?.oldestMs).toBeNull();
    for (const requestId of ids) await engine.until(requestId, ['COMPLETED']);
    expect((await read()).waiting).toEqual([]);
  });
});
