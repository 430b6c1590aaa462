import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../../domain/address.ts';
import { parseSettings } from '../../domain/settings.ts';
import { startRpcProxy, type RpcProxy } from '../../tests/harness/rpc-proxy.ts';
import { readBalances } from './balances.ts';
import { readFinalHeader, readFinalizedNumber, readHeader, readTransactionCount } from './blocks.ts';
import { createDecimalsCheck } from './decimals-check.ts';
import { readTokenBalance, rehearsePayment } from './erc20.ts';
import { startManualChain, type ManualChain } from './manual-chain.testkit.ts';
import { findNonceConsumer } from './nonce-consumer.ts';
import { readFinalReceipt, readReceipt } from './receipts.ts';
import { createRpc, type RpcPool } from './rpc.ts';
import { testRedisUrl } from '../../tests/harness/redis.ts';

const SETTINGS_FILE = new URL('../../docker/settings/sandbox.json', import.meta.url);
const settings = parseSettings(readFileSync(SETTINGS_FILE, 'utf8'), 'sandbox.json').chain;
const byDepth = { ...settings, finality: { mode: 'depth', depth: 4 } } as const;
const notYet = { code: 'CHAIN_UNAVAILABLE' };
/** PUSH1 2 PUSH1 0 MSTORE PUSH1 32 PUSH1 0 RETURN: answers everything with 2. */
const ALWAYS_TWO = '0x600260005260206000f3';

/** Reads that decide about money, through two endpoints of which one may be wrong. */
describe('chain reads through two endpoints', () => {
  let chain: ManualChain;
  let first: RpcProxy;
  let second: RpcProxy;
  let rpc: RpcPool;
  let redis: Redis;
  const wallet = Wallet.createRandom().address as Address;
  const token = Wallet.createRandom().address as Address;
  beforeAll(async () => {
    chain = await startManualChain();
    await chain.rpc.call('anvil_setBalance', [wallet, '0x64']);
    await chain.rpc.call('anvil_setCode', [token, ALWAYS_TWO]);
    await chain.mine(20);
    [first, second] = await Promise.all([startRpcProxy(chain.url), startRpcProxy(chain.url)]);
    redis = new Redis(testRedisUrl(), { maxRetriesPerRequest: 1, commandTimeout: 1_000 });
  });
  afterAll(async () => {
    redis.disconnect();
    await Promise.all([first.stop(), second.stop()]);
    await chain.stop();
  });
  beforeEach(async () => {
    for (const proxy of [first, second]) proxy.inject({ kind: 'pass' });
    await redis.flushdb();
    rpc = createRpc({ urls: [first.url, second.url], chainId: chain.chainId, timeoutMs: 2_000, checkEveryMs: 3_600_000 });
    await rpc.checkHealth();
  });
  const lieAbout = (method: string, change: (result: unknown) => unknown) => second.inject({ kind: 'rewrite', change }, [method]);

  it('calls final what both have reached', async () => {
    const head = await chain.head();
    second.inject({ kind: 'frozen', head: head - 2, finalBehind: 3 });
    expect(await readFinalizedNumber(rpc, settings, head)).toBe(head - 5);
    expect(await readFinalizedNumber(rpc, byDepth, head)).toBe(head - 6);
    second.inject({ kind: 'error', message: 'finalized block not found' });
    expect(await readFinalizedNumber(rpc, settings, head)).toBeNull();
    expect(await readFinalizedNumber(rpc, byDepth, head)).toBeNull();
  });

  it('is not led by one that invents final blocks or a head', async () => {
    const head = await chain.head();
    const honest = await readFinalizedNumber(rpc, settings, head);
    lieAbout('eth_getBlockByNumber', (result) => ({ ...(result as object), number: '0xffffff' }));
    expect(await readFinalizedNumber(rpc, settings, head)).toBe(honest);
    lieAbout('eth_blockNumber', () => '0xffffff');
    expect(await readFinalizedNumber(rpc, byDepth, 0xff_ff_ff)).toBe(head - 4);
  });

  it('takes a header and a receipt for final when both show them, and one alone for what is only seen', async () => {
    const { raw, txHash } = chain.signTransfer(0, 0);
    await chain.rpc.call('eth_sendRawTransaction', [raw]);
    await chain.mine();
    const block = await chain.head();
    const header = await readHeader(chain.rpc, block);
    expect(await readFinalHeader(rpc, block)).toEqual(header);
    expect(await readFinalReceipt(rpc, txHash)).toEqual(await readReceipt(chain.rpc, txHash));
    second.inject({ kind: 'frozen', head: block - 1 });
    await expect(readFinalHeader(rpc, block)).rejects.toMatchObject(notYet);
    await expect(readFinalReceipt(rpc, txHash)).rejects.toMatchObject(notYet);
    expect(await readReceipt(rpc, txHash)).toMatchObject({ txHash, blockHash: header?.hash });
    expect(await readFinalHeader(rpc, block + 1)).toBeNull();
  });

  it('counts the latest transactions as both have, and those at a block when both agree', async () => {
    const { from, raw } = chain.signTransfer(1, 0);
    await chain.rpc.call('eth_sendRawTransaction', [raw]);
    await chain.mine();
    const block = await chain.head();
    expect(await readTransactionCount(rpc, from, 'latest')).toBe(1);
    lieAbout('eth_getTransactionCount', () => '0x63');
    expect(await readTransactionCount(rpc, from, 'latest')).toBe(1);
    await expect(readTransactionCount(rpc, from, block)).rejects.toMatchObject(notYet);
    second.inject({ kind: 'refuse' });
    await expect(readTransactionCount(rpc, from, 'latest')).rejects.toMatchObject(notYet);
  });

  it('proves a lost nonce only by what both show', async () => {
    const { from, raw, txHash } = chain.signTransfer(2, 0);
    await chain.rpc.call('eth_sendRawTransaction', [raw]);
    await chain.mine(4);
    const block = await chain.head();
    expect(await findNonceConsumer(rpc, from, 0, block)).toMatchObject({ txHash });
    lieAbout('eth_getBlockByNumber', (result) => {
      const shown = result as { transactions: { hash: string }[] };
      return { ...shown, transactions: shown.transactions.map((transaction) => ({ ...transaction, hash: `0x${'d'.repeat(64)}` })) };
    });
    await expect(findNonceConsumer(rpc, from, 0, block)).rejects.toMatchObject(notYet);
  });

  it('reads balances at a block that both have, when both agree', async () => {
    const head = await chain.head();
    second.inject({ kind: 'frozen', head: head - 1 });
    const ports = { rpc, redis, settings };
    expect(await readBalances(ports, wallet, token)).toEqual({ block: head - 1, nativeWei: 100n, token: 2n });
    await redis.flushdb();
    lieAbout('eth_getBalance', () => '0xde0b6b3a7640000');
    await expect(readBalances(ports, wallet, token)).rejects.toMatchObject(notYet);
    lieAbout('eth_call', () => `0x${'f'.repeat(64)}`);
    await expect(readTokenBalance(rpc, token, wallet, head)).rejects.toMatchObject(notYet);
  });

  it('takes no decimals from one alone, and fails no withdrawal on the word of one', async () => {
    const call = { to: wallet, value: 1n, data: '0x' } as const;
    const check = createDecimalsCheck(rpc);
    lieAbout('eth_call', () => `0x${'0'.repeat(62)}12`);
    await expect(check({ currency: 'USDC', tokenAddress: token, decimals: 2 })).rejects.toMatchObject(notYet);
    second.inject({ kind: 'pass' });
    await expect(check({ currency: 'USDC', tokenAddress: token, decimals: 2 })).resolves.toBeUndefined();
    const richFrom = chain.signTransfer(3, 0).from as Address;
    expect(await rehearsePayment(rpc, richFrom, call)).toBe(21_000n);
    second.inject({ kind: 'error', message: 'execution reverted: paused', code: 3 }, ['eth_call']);
    await expect(rehearsePayment(rpc, richFrom, call)).rejects.toMatchObject(notYet);
    second.inject({ kind: 'error', message: 'execution reverted: paused', code: 3 }, ['eth_estimateGas']);
    await expect(rehearsePayment(rpc, richFrom, call)).rejects.toMatchObject(notYet);
    lieAbout('eth_estimateGas', () => '0x5300');
    expect(await rehearsePayment(rpc, richFrom, call)).toBe(21_000n);
    for (const proxy of [first, second]) proxy.inject({ kind: 'error', message: 'execution reverted: paused', code: 3 }, ['eth_call']);
    await expect(rehearsePayment(rpc, richFrom, call)).rejects.toMatchObject({ code: 'TRANSFER_REFUSED' });
  });
});
