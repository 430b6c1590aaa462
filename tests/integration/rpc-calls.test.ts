import { MockActivityEnvironment } from '@temporalio/testing';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBlockFollower } from '../../activities/chain/block-follower.ts';
import type { Hash } from '../../activities/chain/blocks.ts';
import { startManualChain, type ManualChain } from '../../activities/chain/manual-chain.testkit.ts';
import { createRpc } from '../../activities/chain/rpc.ts';
import { makeConfirm } from '../../activities/confirm.ts';
import { CHAIN_ID, newAttempt, range } from '../../db/repositories/repositories.testkit.ts';
import { nonceReservations, signedTransactions, withdrawalRequests } from '../../db/schema/index.ts';
import { makeRequestId } from '../../domain/request-id.ts';
import { loadSettings } from '../../scripts/sandbox/load-settings.ts';
import { createTestDatabase, type TestDatabase } from '../harness/database.ts';
import { startRpcProxy, type RpcProxy } from '../harness/rpc-proxy.ts';

const WALLETS = 4;
const BLOCKS = 45;
/** so that the blocks above hold three such periods */
const STUCK_AFTER_BLOCKS = 10;
const WAIT = { timeout: 30_000, interval: 5 };
const sandbox = loadSettings(fileURLToPath(new URL('../../docker/settings/sandbox.json', import.meta.url))).chain;
const unknownHash = (): Hash => `0x${randomBytes(32).toString('hex')}`;

interface Measured {
  /** until all that began to wait is known to be unmined */
  toBegin: number;
  /** over `BLOCKS` blocks */
  byMethod: Record<string, number>;
  total: number;
}

/** All of what waits is unmined and on a few wallets, and some of it is overdue most of the time. */
describe('RPC calls do not grow with what waits', () => {
  let chain: ManualChain;
  let proxy: RpcProxy;
  let database: TestDatabase;
  let wallets: `0x${string}`[];
  const stopping: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    chain = await startManualChain();
    proxy = await startRpcProxy(chain.url);
    wallets = range(WALLETS).map((account) => chain.signTransfer(account, 0).from as `0x${string}`);
    await chain.mine(3);
  });
  afterEach(async () => {
    for (const stop of stopping.splice(0).toReversed()) await stop();
    await proxy.stop();
    await chain.stop();
  });

  function startFollower() {
    const seen = { head: -1, steps: 0 };
    const follower = createBlockFollower({
      rpc: createRpc({ urls: [proxy.url], chainId: chain.chainId, timeoutMs: 2_000 }),
      settings: { ...sandbox, blockTimeMs: 80, stuckAfterBlocks: STUCK_AFTER_BLOCKS },
      onHead: (head) => {
        seen.head = head.number;
        seen.steps += 1;
        return Promise.resolve();
      },
      onError: (error) => {
        throw error;
      },
    });
    const controller = new AbortController();
    const running = follower.run(controller.signal);
    const stop = async () => {
      controller.abort();
      await running;
    };
    stopping.push(stop);
    const steps = async (count: number) => {
      const until = seen.steps + count + 1;
      await vi.waitFor(() => expect(seen.steps).toBeGreaterThanOrEqual(until), WAIT);
    };
    return { follower, seen, steps, stop };
  }

  /** Counts the calls over `BLOCKS` blocks, without those that only look for a new head: one a poll, whatever waits. */
  async function measure(following: ReturnType<typeof startFollower>, begin: () => Promise<void>): Promise<Measured> {
    const { seen, steps } = following;
    const sum = () => [...proxy.calls.values()].reduce((total, count) => total + count, 0);
    const reset = () => {
      proxy.calls.clear();
      return seen.steps;
    };
    await steps(2);
    const began = reset();
    await begin();
    await steps(3);
    const toBegin = sum() - (seen.steps - began);
    const stepsBefore = reset();
    for (let block = 0; block < BLOCKS; block += 1) {
      await chain.mine();
      const head = await chain.head();
      await vi.waitFor(() => expect(seen.head).toBe(head), WAIT);
      await steps(1);
    }
    const polls = seen.steps - stepsBefore;
    const byMethod = { ...Object.fromEntries(proxy.calls), eth_getBlockByNumber: (proxy.calls.get('eth_getBlockByNumber') ?? 0) - polls };
    return { toBegin, byMethod, total: sum() - polls };
  }

  function report(what: string, few: Measured, many: Measured): void {
    const line = ({ toBegin, byMethod, total }: Measured) => `${toBegin} to begin, then ${total} over ${BLOCKS} blocks (${(total / BLOCKS).toFixed(2)} a block) ${JSON.stringify(byMethod)}`;
    console.log(`RPC calls beside looking for the head, ${what} on ${WALLETS} wallets:\n  10: ${line(few)}\n  1,000: ${line(many)}`);
  }

  it('watches: 10 and 1,000', async () => {
    const measureWatches = async (count: number) => {
      const following = startFollower();
      const told = { stuck: 0, lost: 0, other: 0 };
      const watches = range(count).map((index) => ({ wallet: wallets[index % WALLETS] ?? '', nonce: Math.floor(index / WALLETS), hashes: [unknownHash(), unknownHash()] }));
      const controller = new AbortController();
      const measured = await measure(following, async () => {
        for (const target of watches) {
          const watch = following.follower.watch(target);
          void (async () => {
            for (;;) {
              const { kind } = await watch.next(controller.signal);
              told[kind === 'stuck' || kind === 'lost' ? kind : 'other'] += 1;
            }
          })().catch(() => undefined);
        }
      });
      controller.abort();
      await following.stop();
      return { measured, told };
    };
    const few = await measureWatches(10);
    const many = await measureWatches(1_000);
    report('watches', few.measured, many.measured);
    // Overdue periods were among the blocks: each time the lowest sixteen of each wallet were called lost.
    expect(few.told).toEqual({ stuck: 0, lost: 3 * 10, other: 0 });
    expect(many.told).toEqual({ stuck: 0, lost: 3 * 16 * WALLETS, other: 0 });
    expect(few.measured.total).toBeGreaterThanOrEqual(BLOCKS);
    expect(Math.abs(many.measured.toBegin - few.measured.toBegin)).toBeLessThanOrEqual(WALLETS);
    expect(Math.abs(many.measured.total - few.measured.total)).toBeLessThanOrEqual(WALLETS);
  });

  it('confirm activities: 10 and 1,000', async () => {
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const measureActivities = async (count: number) => {
      const requestIds = await insertWaiting(count);
      const following = startFollower();
      const confirm = makeConfirm({ db: database.db, rpc: createRpc({ urls: [proxy.url], chainId: chain.chainId }), follower: following.follower, crashPoint: () => undefined, log });
      const environments = new Set<MockActivityEnvironment>();
      let verdicts = 0;
      const ending = new AbortController();
      let running: Promise<unknown> = Promise.resolve();
      /** confirms again after each "send again", as the workflow does once it has sent */
      const waitOn = async (requestId: string) => {
        while (!ending.signal.aborted) {
          const environment = new MockActivityEnvironment();
          environments.add(environment);
          await environment.run(confirm, { requestId }).then(
            () => (verdicts += 1),
            (error: unknown) => {
              if (!ending.signal.aborted) throw error;
            },
          );
          environments.delete(environment);
        }
      };
      const watch = vi.spyOn(following.follower, 'watch');
      const measured = await measure(following, async () => {
        running = Promise.all(requestIds.map(waitOn));
        await vi.waitFor(() => expect(watch).toHaveBeenCalledTimes(count), WAIT);
      });
      ending.abort();
      for (const environment of environments) environment.cancel();
      await running;
      await following.stop();
      return { measured, verdicts };
    };
    const few = await measureActivities(10);
    const many = await measureActivities(1_000);
    report('confirm activities', few.measured, many.measured);
    expect(few.verdicts).toBeGreaterThanOrEqual(3 * 10);
    expect(many.verdicts).toBeGreaterThanOrEqual(3 * 16 * WALLETS);
    // What begins to wait, or waits again, at other moments is asked for at other steps: one call a wallet for each such step.
    expect(many.measured.toBegin - few.measured.toBegin).toBeLessThanOrEqual(20 * WALLETS);
    expect(many.measured.total).toBeLessThanOrEqual(1.5 * few.measured.total);
  });

  /** Withdrawals whose bytes were sent and are in no block, each on a nonce of its own. */
  async function insertWaiting(count: number): Promise<string[]> {
    const { db } = database;
    await db.delete(nonceReservations);
    const now = new Date();
    const requests = range(count).map((index) => ({ requestId: makeRequestId(Date.now(), randomBytes(10)), wallet: wallets[index % WALLETS] as `0x${string}`, nonce: Math.floor(index / WALLETS) }));
    await db.insert(withdrawalRequests).values(
      requests.map(({ requestId, wallet }) => ({ requestId, ownerId: 1, correlationId: requestId, network: 'polygon-amoy' as const, chainId: CHAIN_ID, currency: 'USDC', tokenAddress: null, decimals: 6, amount: 1n, toAddress: wallet, status: 'BROADCASTED' as const, walletAddress: wallet, seal: '', createdAt: now, updatedAt: now })),
    );
    await db.insert(nonceReservations).values(
      requests.map(({ requestId, wallet, nonce }) => ({ chainId: CHAIN_ID, walletAddress: wallet, nonce, requestId, liveRequestId: requestId, generation: 1, state: 'SIGNED' as const, updatedAt: now })),
    );
    const reservations = await db.select().from(nonceReservations);
    await db.insert(signedTransactions).values(reservations.map((reservation) => ({ ...newAttempt(reservation), status: 'BROADCASTED' as const, signedAt: now })));
    return requests.map(({ requestId }) => requestId);
  }
});
