import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startBench, type Bench } from '../activities/activities.testkit.ts';
import { makeConfirm } from '../activities/confirm.ts';
import { getCursor } from '../db/repositories/payments/chain-cursors.ts';
import { createChainFollower } from './chain-follower.ts';

const WAIT = { timeout: 15_000, interval: 20 };

describe('one monitor after another', () => {
  let bench: Bench;
  const stopping: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    bench = await startBench({ settings: (settings) => ({ ...settings, chain: { ...settings.chain, blockTimeMs: 100, finality: { mode: 'depth', depth: 12 } } }) });
  });
  afterEach(async () => {
    for (const stop of stopping.splice(0)) await stop();
  });
  afterAll(() => bench.engine.stop());

  function startMonitor() {
    const controller = new AbortController();
    const follower = createChainFollower(bench.ports);
    const following = follower.run(controller.signal);
    const confirm = makeConfirm({ ...bench.ports, follower });
    const environments: MockActivityEnvironment[] = [];
    const rulings: Promise<unknown>[] = [];
    let stopped = false;
    const stop = async () => {
      if (stopped) return;
      stopped = true;
      for (const environment of environments) environment.cancel();
      await Promise.allSettled(rulings);
      controller.abort();
      await following;
    };
    stopping.push(stop);
    return {
      stop,
      confirm(requestId: string) {
        const environment = new MockActivityEnvironment();
        const ruling = environment.run(confirm, { requestId });
        environments.push(environment);
        rulings.push(ruling.catch(() => undefined));
        return ruling;
      },
    };
  }

  async function sent(): Promise<string> {
    const requestId = await bench.funded();
    await bench.sign({ requestId, mode: 'pay' });
    await bench.broadcast({ requestId });
    return requestId;
  }
  const head = async () => Number(await bench.engine.chain.rpc.call<string>('eth_blockNumber', []));
  /** Until a monitor has written that it read the newest block. */
  const read = () => vi.waitFor(async () => expect((await getCursor(bench.ports.db, bench.engine.chain.chainId))?.blockNumber).toBe(await head()), WAIT);
  const until = (requestId: string, status: string) => vi.waitFor(async () => expect((await bench.engine.row(requestId)).status).toBe(status), WAIT);

  it('reads back by block what was mined while none ran', async () => {
    const before = startMonitor();
    await bench.mine();
    await read();
    await before.stop();
    const payments = [];
    for (let count = 0; count < 3; count += 1) {
      payments.push(await sent());
      await bench.mine(5);
    }
    bench.engine.proxy.calls.clear();
    const after = startMonitor();
    const rulings = payments.map((requestId) => after.confirm(requestId));
    await bench.mine(13);
    for (const ruling of rulings) expect(await ruling).toMatchObject({ kind: 'paid' });
    const calls = Object.fromEntries(bench.engine.proxy.calls);
    console.log('RPC calls to read back 15 blocks with 3 payments, and confirm them over 13 more:', calls);
    expect(calls).toMatchObject({ eth_getBlockReceipts: 3 });
    expect(calls['eth_getTransactionReceipt']).toBeUndefined();
  });

  it('reopens a withdrawal whose block a reorg took while none ran', async () => {
    const before = startMonitor();
    const requestId = await sent();
    const unseen = before.confirm(requestId).catch(() => 'cancelled');
    await bench.mine();
    await until(requestId, 'CONFIRMING');
    await read();
    await before.stop();
    expect(await unseen).toBe('cancelled');
    await bench.engine.chain.rpc.call('anvil_reorg', [1, []]);
    await bench.mine(2);

    const after = startMonitor();
    expect(await after.confirm(requestId)).toEqual({ kind: 'resend' });
    expect(await bench.timeline(requestId)).toContain('unconfirmed by reorg');
    await until(requestId, 'BROADCASTED');
    await bench.broadcast({ requestId });
    const ruling = after.confirm(requestId);
    await bench.mine();
    await until(requestId, 'CONFIRMING');
    await bench.mine(12);
    expect(await ruling).toMatchObject({ kind: 'paid' });
    expect(await bench.attempts(requestId)).toHaveLength(1);
  });
});
