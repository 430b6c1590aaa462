import { readFileSync } from 'node:fs';
import { Wallet } from 'ethers';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Address } from '../../domain/address.ts';
import { bumpFees, quoteFees } from '../../domain/fees.ts';
import { parseSettings } from '../../domain/settings.ts';
import { startRpcProxy, type RpcProxy } from '../../tests/harness/rpc-proxy.ts';
import { readBalances } from './balances.ts';
import { feeLimitsOf, readFeeMarket } from './fee-oracle.ts';
import { startManualChain, type ManualChain } from './manual-chain.testkit.ts';
import { createRpc, type Rpc } from './rpc.ts';
import { testRedisUrl } from '../../tests/harness/redis.ts';

const SETTINGS_FILE = new URL('../../docker/settings/sandbox.json', import.meta.url);
const settings = parseSettings(readFileSync(SETTINGS_FILE, 'utf8'), 'sandbox.json').chain;
const GWEI = 10n ** 9n;

describe('chain reads remembered in Redis', () => {
  let chain: ManualChain;
  let proxy: RpcProxy;
  let rpc: Rpc;
  let redis: Redis;
  beforeAll(async () => {
    chain = await startManualChain();
    proxy = await startRpcProxy(chain.url);
    rpc = createRpc({ urls: [proxy.url], chainId: chain.chainId });
    redis = new Redis(testRedisUrl(), { maxRetriesPerRequest: 1, commandTimeout: 1_000 });
  });
  afterAll(async () => {
    redis.disconnect();
    await proxy.stop();
    await chain.stop();
  });
  beforeEach(async () => {
    await redis.flushdb();
    await rpc.call('eth_chainId', []);
    proxy.calls.clear();
  });
  const down = () => {
    const away = new Redis(testRedisUrl(), { lazyConnect: true, maxRetriesPerRequest: 1 });
    away.disconnect();
    return away;
  };

  it('asks the chain for fees once, and remembers them for 30 s at most', async () => {
    const first = await readFeeMarket({ rpc, redis });
    expect(await readFeeMarket({ rpc, redis })).toEqual(first);
    expect(Object.fromEntries(proxy.calls)).toEqual({ eth_feeHistory: 1 });
    const lifeMs = await redis.pttl(`fees:${chain.chainId}`);
    expect(lifeMs).toBeGreaterThan(0);
    expect(lifeMs).toBeLessThanOrEqual(30_000);
  });

  it("follows the chain's base fee once the memory is gone", async () => {
    await chain.rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${(700n * GWEI).toString(16)}`]);
    await chain.mine();
    const { baseFeePerGas } = await readFeeMarket({ rpc, redis });
    // The next block's fee, after an empty one: an eighth less.
    expect(baseFeePerGas).toBe((700n * GWEI * 7n) / 8n);
  });

  it("lifts a tip below the chain's smallest to that smallest", async () => {
    for (const nonce of [0, 1, 2]) {
      await chain.rpc.call('eth_sendRawTransaction', [chain.signTransfer(0, nonce, 2_000).raw]);
      await chain.mine();
    }
    await chain.rpc.call('eth_sendRawTransaction', [chain.signTransfer(0, 3, 1_000).raw]);
    await chain.mine(5);
    const market = await readFeeMarket({ rpc, redis });
    expect(market.tipPerGas).toBeLessThan(25n * GWEI);
    const limits = feeLimitsOf(settings, 60_000n);
    const quoted = quoteFees(market, limits);
    if (quoted === null) throw new Error('nothing was quoted');
    expect(quoted.maxPriorityFeePerGas).toBe(25n * GWEI);
    expect(quoted.maxFeePerGas).toBe(2n * market.baseFeePerGas + 25n * GWEI);
    expect(bumpFees(quoted, market, limits)?.maxPriorityFeePerGas).toBe((25n * GWEI * 11n) / 10n);
  });

  it('reads both balances at one block, once, and remembers them for one block at most', async () => {
    const wallet = Wallet.createRandom().address as Address;
    await chain.rpc.call('anvil_setBalance', [wallet, '0x7b']);
    await chain.mine();
    const first = await readBalances({ rpc, redis, settings }, wallet, null);
    expect(first).toEqual({ block: await chain.head(), nativeWei: 123n, token: 123n });
    proxy.calls.clear();
    await chain.rpc.call('anvil_setBalance', [wallet, '0x0']);
    expect(await readBalances({ rpc, redis, settings }, wallet, null)).toEqual(first);
    expect(proxy.calls.size).toBe(0);
    const lifeMs = await redis.pttl(`balance:${chain.chainId}:${wallet}:native`);
    expect(lifeMs).toBeGreaterThan(0);
    expect(lifeMs).toBeLessThanOrEqual(settings.blockTimeMs);
    await chain.mine();
    await vi.waitFor(async () => expect(await readBalances({ rpc, redis, settings }, wallet, null)).toMatchObject({ nativeWei: 0n }), { timeout: 5_000, interval: 50 });
  });

  it('answers without Redis', async () => {
    const away = down();
    const wallet = Wallet.createRandom().address as Address;
    expect((await readFeeMarket({ rpc, redis: away })).baseFeePerGas).toBeGreaterThan(0n);
    expect(await readBalances({ rpc, redis: away, settings }, wallet, null)).toEqual({ block: await chain.head(), nativeWei: 0n, token: 0n });
    expect(Object.fromEntries(proxy.calls)).toMatchObject({ eth_feeHistory: 1, eth_getBalance: 1 });
  });
});
