import { parseEther } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { raiseAlert, resolveAlert } from '../db/repositories/operations/alerts.ts';
import { liftHalt, setHalt } from '../db/repositories/operations/halts.ts';
import { assetKeyOf, recordObservations } from '../db/repositories/wallets/wallet-observations.ts';
import { setWalletStatus } from '../db/repositories/wallets/wallets.ts';
import { fundReservations, nonceReservations, walletObservations, withdrawalRequests } from '../db/schema/index.ts';
import { transact } from '../db/transact.ts';
import type { Address } from '../domain/address.ts';
import { interrupted, startBench, type Bench } from './activities.testkit.ts';
import { rpcThrough } from './chain/rpc.testkit.ts';
import { makeReserveFunds } from './reserve-funds.ts';
import { takeNonce } from './take-nonce.ts';

const WINDOW = 8;

let bench: Bench;
let first: Address;
let second: Address;
let third: Address;
beforeAll(async () => {
  bench = await startBench({ wallets: 3, settings: (settings) => ({ ...settings, chain: { ...settings.chain, inFlightWindow: WINDOW } }) });
  [first, second, third] = bench.engine.wallets as [Address, Address, Address];
});
afterAll(() => bench.engine.stop());
beforeEach(async () => {
  for (const table of [nonceReservations, fundReservations, walletObservations, withdrawalRequests]) await bench.ports.db.delete(table);
  for (const wallet of bench.engine.wallets) {
    await setWalletStatus(bench.ports.db, bench.engine.chain.chainId, wallet, 'ACTIVE', null);
    await bench.engine.chain.rpc.call('anvil_setBalance', [wallet, `0x${parseEther('100').toString(16)}`]);
  }
  await bench.engine.redis.flushdb();
});

const reserve = (requestId: string) => makeReserveFunds(bench.ports)({ requestId });
async function bind(count: number, currency = 'USDC', amount?: bigint): Promise<string[]> {
  const bound: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const held = await reserve(await bench.accept(currency, amount));
    bound.push(held.kind === 'reserved' ? held.walletAddress : held.kind);
  }
  return bound;
}
const countOf = (bound: readonly string[], wallet: string) => bound.filter((address) => address === wallet).length;
const stop = (wallet: string, status: 'PAUSED' | 'DRAINING' | 'ACTIVE') => setWalletStatus(bench.ports.db, bench.engine.chain.chainId, wallet, status, 'test');

describe('a withdrawal is bound', () => {
  it('where there is room: many at once overflow no window while another is free', async () => {
    const window = 32;
    const roomy = makeReserveFunds({ ...bench.ports, settings: { ...bench.ports.settings, chain: { ...bench.ports.settings.chain, inFlightWindow: window } } });
    // By lot: that one of three wallets is left out of forty, or given more than 32, happens once in a million runs.
    const ids = await Promise.all(Array.from({ length: 40 }, () => bench.accept()));
    const results = await Promise.all(ids.map((requestId) => roomy({ requestId })));
    const bound = results.map((held) => (held.kind === 'reserved' ? held.walletAddress : held.kind));
    for (const wallet of bench.engine.wallets) {
      expect(countOf(bound, wallet)).toBeGreaterThan(0);
      expect(countOf(bound, wallet)).toBeLessThanOrEqual(window);
    }
  });

  it('not to a full window while another has a place, and to the shortest queue when all are full', async () => {
    for (const wallet of [second, third]) await stop(wallet, 'PAUSED');
    expect(countOf(await bind(WINDOW), first)).toBe(WINDOW);
    await stop(second, 'ACTIVE');
    expect(await bind(WINDOW)).toEqual(Array.from({ length: WINDOW }, () => second));
    const overflow = await bind(4);
    expect([countOf(overflow, first), countOf(overflow, second)]).toEqual([2, 2]);
    await stop(third, 'ACTIVE');
    expect(await bind(1)).toEqual([third]);
  });

  it('not behind nonces that only the chain still holds, once their payments were seen in a block', async () => {
    for (const wallet of [second, third]) await stop(wallet, 'PAUSED');
    for (let index = 0; index < WINDOW; index += 1) {
      const requestId = await bench.funded();
      await takeNonce(bench.ports, { requestId, chainId: bench.engine.chain.chainId, walletAddress: first, window: WINDOW });
    }
    await stop(second, 'ACTIVE');
    expect(await bind(1)).toEqual([second]);
    await stop(third, 'ACTIVE');
    await stop(second, 'PAUSED');
    await bench.ports.db.update(withdrawalRequests).set({ status: 'CONFIRMING' });
    const bound = await bind(12);
    expect(countOf(bound, first)).toBeGreaterThan(0);
  });

  it('to a wallet that can pay: an empty one is tried last, also before anyone has looked at it', async () => {
    await bench.engine.chain.rpc.call('anvil_setBalance', [first, '0x0']);
    await bench.engine.chain.rpc.call('anvil_setBalance', [third, '0x0']);
    expect(await bind(3, 'POL', parseEther('1'))).toEqual([second, second, second]);

    // Seen empty before, and funded since: the books' last look only orders, the chain decides.
    const { chainId } = bench.engine.chain;
    const seen = (walletAddress: Address, balance: bigint) => ({ chainId, walletAddress, asset: assetKeyOf(null), balance, spendPerHour: 0n, latestNonce: 0, pendingNonce: 0, blockNumber: 1, seenAt: new Date() });
    await transact(bench.ports.db, (tx) => recordObservations(tx, [seen(first, 0n), seen(second, parseEther('100')), seen(third, 0n)]));
    await bench.engine.redis.flushdb();
    const asked: unknown[] = [];
    const rpc = rpcThrough(chainId, async <T>(method: string, params: readonly unknown[]): Promise<T> => {
      if (method === 'eth_getBalance') asked.push(params[0]);
      return bench.ports.rpc.call<T>(method, params);
    });
    expect(await makeReserveFunds({ ...bench.ports, rpc })({ requestId: await bench.accept('POL', parseEther('1')) })).toMatchObject({ walletAddress: second });
    expect(asked).toEqual([second]);
    await bench.engine.chain.rpc.call('anvil_setBalance', [second, '0x0']);
    await bench.engine.chain.rpc.call('anvil_setBalance', [third, `0x${parseEther('5').toString(16)}`]);
    await bench.engine.redis.flushdb();
    expect(await bind(1, 'POL', parseEther('1'))).toEqual([third]);
  });

  it.each(['DRAINING', 'PAUSED'] as const)('to another than the one that became %s while the chain was asked', async (status) => {
    await stop(third, 'PAUSED');
    await stop(second, 'PAUSED');
    const requestId = await bench.accept();
    const rpc = interrupted(bench.ports.rpc, 'eth_estimateGas', () => stop(first, status));
    await expect(makeReserveFunds({ ...bench.ports, rpc })({ requestId })).rejects.toMatchObject({ type: 'WALLET_UNAVAILABLE', nonRetryable: false });
    expect(await bench.funds(requestId)).toBeNull();
    await stop(second, 'ACTIVE');
    expect(await reserve(requestId)).toMatchObject({ kind: 'reserved', walletAddress: second });
  });

  it('to a wallet whose gas lasts, while there is one', async () => {
    const { chainId } = bench.engine.chain;
    for (const wallet of [first, third]) await raiseAlert(bench.ports.db, { kind: 'GAS_RUNNING_OUT', chainId, subject: wallet });
    expect(await bind(WINDOW)).toEqual(Array.from({ length: WINDOW }, () => second));
    expect(countOf(await bind(1), second)).toBe(0);
    for (const wallet of [first, third]) await resolveAlert(bench.ports.db, 'GAS_RUNNING_OUT', wallet);
  });

  it('to none that is drained, paused, or under a person’s halt; and to none at all when each is', async () => {
    await stop(first, 'DRAINING');
    await stop(second, 'PAUSED');
    expect(await bind(3)).toEqual([third, third, third]);
    const halt = { scope: 'WALLET', target: third.toLowerCase(), kind: 'OPERATOR' } as const;
    await setHalt(bench.ports.db, { ...halt, reason: 'test', setBy: 'test' });
    const waiting = await bench.accept();
    await expect(reserve(waiting)).rejects.toMatchObject({ type: 'HALTED', nonRetryable: false });
    expect(await bench.funds(waiting)).toBeNull();
    await stop(second, 'ACTIVE');
    expect(await reserve(waiting)).toMatchObject({ kind: 'reserved', walletAddress: second });
    await liftHalt(bench.ports.db, halt);
  });
});
