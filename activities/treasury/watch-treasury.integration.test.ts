import { eq } from 'drizzle-orm';
import { parseEther, Wallet } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listOpenAlerts } from '../../db/repositories/operations/alerts.ts';
import { listObservations, NATIVE } from '../../db/repositories/wallets/wallet-observations.ts';
import { setWalletStatus } from '../../db/repositories/wallets/wallets.ts';
import { alerts, assets, fundReservations, walletObservations, withdrawalRequests } from '../../db/schema/index.ts';
import type { Address } from '../../domain/address.ts';
import { callAsOwner } from '../../tests/harness/tokens.ts';
import { startBench, type Bench } from '../activities.testkit.ts';
import { EndpointError } from '../chain/rpc/answer.ts';
import { rpcThrough } from '../chain/rpc.testkit.ts';
import { makeWatchTreasury, type WatchTreasuryPorts } from './watch-treasury.ts';

const HOUR_MS = 3_600_000;
const USDC = 1_000_000n;

let bench: Bench;
let wallet: Address;
let other: Address;
let usdc: Address;
let stock: bigint;
beforeAll(async () => {
  bench = await startBench({ wallets: 2, settings: (settings) => ({ ...settings, treasury: { everyMs: 60_000, alertHours: 6, rateWindowsHours: [1, 24] } }) });
  await bench.engine.chain.rpc.call('evm_setAutomine', [true]);
  [wallet, other] = bench.engine.wallets as [Address, Address];
  usdc = bench.engine.chain.tokens.TestUSDC as Address;
  await look();
  stock = (await seen(wallet)).get(usdc)?.balance ?? 0n;
});
afterAll(() => bench.engine.stop());
beforeEach(async () => {
  for (const table of [fundReservations, walletObservations, alerts, withdrawalRequests]) await bench.ports.db.delete(table);
  for (const address of [wallet, other]) {
    await setWalletStatus(bench.ports.db, bench.engine.chain.chainId, address, 'ACTIVE', null);
    await balance(address, '100');
  }
});

/** On the border of two slices: the windows are as long as they are named. */
const NOW = Math.floor(Date.now() / 600_000) * 600_000;
const look = (ports: Partial<WatchTreasuryPorts> = {}) => makeWatchTreasury({ ...bench.ports, now: () => NOW, ...ports })();
const balance = (address: string, pol: string) => bench.engine.chain.rpc.call('anvil_setBalance', [address, `0x${parseEther(pol).toString(16)}`]);
const seen = async (address: string) => new Map((await listObservations(bench.ports.db, bench.engine.chain.chainId, [address])).map((row) => [row.asset, row]));
const open = async () => (await listOpenAlerts(bench.ports.db)).map(({ kind, subject }) => `${kind} ${subject}`).toSorted();

let spends = 0;
async function spent(hoursAgo: number, fields: Partial<typeof fundReservations.$inferInsert>): Promise<void> {
  spends += 1;
  const createdAt = new Date(NOW - hoursAgo * HOUR_MS);
  await bench.ports.db.insert(fundReservations).values({ requestId: `spent-${spends}`, chainId: bench.engine.chain.chainId, walletAddress: wallet, tokenAddress: usdc, amount: 0n, gasLimit: 1n, gasWei: 0n, state: 'CONSUMED', spentAmount: 0n, spentGasWei: 0n, settledBlock: 0, createdAt, settledAt: createdAt, ...fields });
}

describe('a look', () => {
  it('writes down balances of one block, counts and rates: settled at what was spent, held at what is promised', async () => {
    await spent(0.5, { spentAmount: 7n * USDC, spentGasWei: 3n });
    await spent(20, { spentAmount: 2_400n * USDC });
    await spent(25, { spentAmount: 1_000_000n * USDC });
    await spent(0.1, { state: 'HELD', amount: 5n * USDC, gasWei: 11n, spentAmount: null, spentGasWei: null, settledBlock: null });
    await spent(0.1, { state: 'HELD', tokenAddress: null, amount: 100n, gasWei: 13n, spentAmount: null, spentGasWei: null, settledBlock: null });
    await spent(0.2, { state: 'RELEASED', amount: 900n * USDC, spentGasWei: 1n, settledBlock: null });
    await bench.spendNonce();
    await look();
    const rows = await seen(wallet);
    const native = rows.get(NATIVE);
    expect(native).toMatchObject({ spendPerHour: 3n + 11n + 100n + 13n + 1n, latestNonce: 1, pendingNonce: 1 });
    expect(native?.balance).toBe(BigInt(await bench.engine.chain.rpc.call<string>('eth_getBalance', [wallet, `0x${(native?.blockNumber ?? 0).toString(16)}`])));
    // (2,400 + 7 + 5) / 24 an hour over the day, rounded up; 12 in the last hour.
    expect(rows.get(usdc)).toMatchObject({ balance: stock, spendPerHour: 100_500_000n, latestNonce: null, blockNumber: native?.blockNumber });
    expect(rows.size).toBe(3);

    await balance(wallet, '50');
    await bench.mine();
    await look();
    expect((await seen(wallet)).get(NATIVE)).toMatchObject({ balance: parseEther('50'), blockNumber: (native?.blockNumber ?? 0) + 1 });
    expect((await seen(other)).get(NATIVE)).toMatchObject({ balance: parseEther('100'), spendPerHour: 0n });
  });

  it('adds up what is over once, what runs on each time, and says for how long', async () => {
    let now = NOW;
    const watch = makeWatchTreasury({ ...bench.ports, now: () => now });
    await spent(0.5, { spentAmount: 120n * USDC });
    await watch();
    expect((await seen(wallet)).get(usdc)?.spendPerHour).toBe(120n * USDC);
    now += 300_000;
    await spent(-0.01, { spentAmount: 10n * USDC });
    await spent(0.5, { spentAmount: 1_000n * USDC });
    await watch();
    // 130 in 65 minutes; the thousand that came later into a slice that was over is seen by who adds up anew.
    expect((await seen(wallet)).get(usdc)?.spendPerHour).toBe(120n * USDC);
    await look({ now: () => now });
    expect((await seen(wallet)).get(usdc)?.spendPerHour).toBe((1_130n * USDC * 60n + 64n) / 65n);
    // A slice later the window has moved on by one.
    now += 300_000;
    await watch();
    expect((await seen(wallet)).get(usdc)?.spendPerHour).toBe(130n * USDC);
    now += HOUR_MS;
    await watch();
    expect((await seen(wallet)).get(usdc)?.spendPerHour).toBe((130n * USDC) / 24n + 1n);
  });

  it('that cannot read one wallet sees the others, and fails so that it shows', async () => {
    const rpc = rpcThrough(bench.ports.rpc.chainId, async <T>(method: string, params: readonly unknown[]): Promise<T> => {
      if (params[0] === wallet) throw new EndpointError('no answer');
      return bench.ports.rpc.call<T>(method, params);
    });
    await expect(look({ rpc })).rejects.toMatchObject({ message: 'INTERNAL' });
    expect((await seen(other)).size).toBe(3);
    expect((await seen(wallet)).size).toBe(0);
  });
});

describe('a person is called', () => {
  it('when gas or a token lasts for fewer hours than set, once, until it clearly lasts longer', async () => {
    await look();
    expect(await open()).toEqual([]);
    // 20 POL an hour, five hours of it there; and the stock of USDC within two hours.
    await spent(0.5, { spentGasWei: parseEther('20'), spentAmount: stock / 2n });
    await look();
    await look();
    const both = [`GAS_RUNNING_OUT ${wallet}`, `TOKEN_RUNNING_OUT ${wallet} USDC`];
    expect(await open()).toEqual(both);
    expect((await listOpenAlerts(bench.ports.db, wallet))[0]).toMatchObject({ timesSeen: 2, detail: { hoursLeft: 5, available: '100', spendPerHour: '20' } });

    await balance(wallet, '130');
    await look();
    expect(await open()).toEqual(both);
    await balance(wallet, '151');
    await look();
    expect(await open()).toEqual([`TOKEN_RUNNING_OUT ${wallet} USDC`]);
    await callAsOwner(bench.engine.chain, 'TestUSDC', 'mint', wallet, 3n * stock);
    await look();
    expect(await open()).toEqual([]);
  });

  it('by the fastest window: a quiet hour does not hide a busy day', async () => {
    await spent(10, { spentGasWei: parseEther('480') });
    await look();
    expect(await open()).toEqual([`GAS_RUNNING_OUT ${wallet}`]);
  });

  it('counting what is promised as gone', async () => {
    await spent(0.5, { tokenAddress: null, state: 'HELD', amount: parseEther('95'), spentAmount: null, spentGasWei: null, settledBlock: null });
    await look();
    expect((await listOpenAlerts(bench.ports.db, wallet))[0]).toMatchObject({ kind: 'GAS_RUNNING_OUT', detail: { available: '5' } });
  });

  it('at any rate below the floor: gas under the threshold of the guardian, or less than the smallest that waits', async () => {
    await balance(wallet, '0.05');
    await look();
    expect(await open()).toEqual([`GAS_RUNNING_OUT ${wallet}`]);

    await balance(wallet, '100');
    const available = (await bench.engine.chain.rpc.call<string>('eth_call', [{ to: usdc, data: `0x70a08231${wallet.slice(2).toLowerCase().padStart(64, '0')}` }, 'latest']));
    const waits = async (currency: string, amount: bigint) => {
      const requestId = await bench.engine.accept({ currency, toAddress: Wallet.createRandom().address, amount, started: false });
      await bench.ports.db.update(withdrawalRequests).set({ status: 'AWAITING_FUNDS' }).where(eq(withdrawalRequests.requestId, requestId));
      return requestId;
    };
    await waits('USDC', BigInt(available));
    await look();
    expect(await open()).toEqual([`TOKEN_RUNNING_OUT ${other} USDC`]);
    await waits('POL', parseEther('100') + 1n);
    await look();
    expect(await open()).toEqual([`TOKEN_RUNNING_OUT ${other} POL`, `TOKEN_RUNNING_OUT ${other} USDC`, `TOKEN_RUNNING_OUT ${wallet} POL`].toSorted());
    await bench.ports.db.delete(withdrawalRequests);
    await look();
    expect(await open()).toEqual([]);
  });

  it('for no wallet that is drained, and for no asset that is switched off', async () => {
    await spent(0.5, { spentGasWei: parseEther('20'), spentAmount: 100n * stock });
    await look();
    expect(await open()).toHaveLength(2);
    await setWalletStatus(bench.ports.db, bench.engine.chain.chainId, wallet, 'DRAINING', null);
    await look();
    expect(await open()).toEqual([]);
    await setWalletStatus(bench.ports.db, bench.engine.chain.chainId, wallet, 'PAUSED', null);
    await look();
    expect(await open()).toHaveLength(2);
    await bench.ports.db.update(assets).set({ enabled: false }).where(eq(assets.currency, 'USDC'));
    await look();
    expect(await open()).toEqual([`GAS_RUNNING_OUT ${wallet}`]);
    await bench.ports.db.update(assets).set({ enabled: true }).where(eq(assets.currency, 'USDC'));
  });
});
