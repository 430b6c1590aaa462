import { Wallet } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../../domain/address.ts';
import type { TokenAddresses } from '../../scripts/sandbox/chain-file.ts';
import { startTestChain, type TestChain } from '../../tests/harness/chain.ts';
import { startRpcProxy, type RpcProxy } from '../../tests/harness/rpc-proxy.ts';
import { callAsOwner, deployToken, type TestToken } from '../../tests/harness/tokens.ts';
import { paymentCall, readTokenBalance, readTokenDecimals, rehearsePayment } from './erc20.ts';
import { createRpc, type Rpc } from './rpc.ts';
import { rpcThrough } from './rpc.testkit.ts';

const AMOUNT = 1_000_000n;
/** PUSH1 0 PUSH1 0 REVERT: refuses everything and gives no reason. */
const MUTE_CONTRACT = '0x60006000fd';

describe('the rehearsal of a payment', () => {
  let chain: TestChain;
  let proxy: RpcProxy;
  let rpc: Rpc;
  const wallet = Wallet.createRandom().address as Address;
  let recipient: Address;
  beforeAll(async () => {
    chain = await startTestChain(1);
    proxy = await startRpcProxy(chain.url);
    rpc = createRpc({ urls: [proxy.url], chainId: chain.chainId, timeoutMs: 1_000 });
    await chain.fund([wallet]);
    await chain.rpc.call('evm_setIntervalMining', [0]);
    await chain.rpc.call('evm_setAutomine', [true]);
    await owner('TestFalseToken', 'mint', wallet, AMOUNT);
  });
  afterAll(async () => {
    await proxy.stop();
    await chain.stop();
  });
  beforeEach(() => {
    recipient = Wallet.createRandom().address as Address;
    proxy.inject({ kind: 'pass' });
  });

  const owner = (token: keyof TokenAddresses | TestToken, method: string, ...args: unknown[]) => callAsOwner(chain, token, method, ...args);
  const payOdd = (token: TestToken) => paymentCall({ tokenAddress: token.address, toAddress: recipient, amount: AMOUNT });
  const pay = (token: keyof TokenAddresses | null, amount = AMOUNT) => paymentCall({ tokenAddress: token === null ? null : (chain.tokens[token] as Address), toAddress: recipient, amount });
  const refused = (reason: RegExp) => ({ code: 'TRANSFER_REFUSED', parameters: { reason: expect.stringMatching(reason) } });

  it.each([
    ['USDC', 'TestUSDC'],
    ['USDT, which answers nothing', 'TestUSDT'],
    ['a token that may answer false, while it does not', 'TestFalseToken'],
  ] as const)('accepts %s and estimates its gas', async (_name, token) => {
    const gas = await rehearsePayment(rpc, wallet, pay(token));
    expect(gas).toBeGreaterThan(30_000n);
    expect(gas).toBeLessThan(100_000n);
  });

  it('accepts the native coin at 21,000 gas', async () => {
    expect(await rehearsePayment(rpc, wallet, pay(null))).toBe(21_000n);
  });

  it('refuses what a paused token refuses, and accepts it again afterwards', async () => {
    await owner('TestUSDC', 'pause');
    await expect(rehearsePayment(rpc, wallet, pay('TestUSDC'))).rejects.toMatchObject(refused(/paused/));
    await owner('TestUSDC', 'unpause');
    await expect(rehearsePayment(rpc, wallet, pay('TestUSDC'))).resolves.toBeGreaterThan(0n);
  });

  it('refuses a deny-listed recipient', async () => {
    await owner('TestUSDC', 'denyList', recipient, true);
    await expect(rehearsePayment(rpc, wallet, pay('TestUSDC'))).rejects.toMatchObject(refused(/blacklisted/));
  });

  it('refuses a token that would answer false', async () => {
    await owner('TestFalseToken', 'setFailing', true);
    await expect(rehearsePayment(rpc, wallet, pay('TestFalseToken'))).rejects.toMatchObject(refused(/answered false/));
    await owner('TestFalseToken', 'setFailing', false);
  });

  it('refuses a revert with a panic code, and one without any reason', async () => {
    await expect(rehearsePayment(rpc, wallet, pay('TestUSDT', 10n ** 30n))).rejects.toMatchObject(refused(/revert/));
    const mute = Wallet.createRandom().address as Address;
    await chain.rpc.call('anvil_setCode', [mute, MUTE_CONTRACT]);
    await expect(rehearsePayment(rpc, wallet, paymentCall({ tokenAddress: mute, toAddress: recipient, amount: AMOUNT }))).rejects.toMatchObject(refused(/revert/));
    await expect(rehearsePayment(rpc, wallet, paymentCall({ tokenAddress: null, toAddress: mute, amount: 1n }))).rejects.toMatchObject(refused(/revert/));
  });

  it.each([
    ['a bare revert', 1n],
    ['the panic of an assertion', 2n],
    ['an invalid opcode', 3n],
  ])('refuses a token that refuses by %s', async (_name, refusal) => {
    const token = await deployToken(chain, 'TestSilentToken');
    await owner(token, 'mint', wallet, AMOUNT);
    await expect(rehearsePayment(rpc, wallet, payOdd(token))).resolves.toBeGreaterThan(0n);
    await owner(token, 'setRefusal', refusal);
    await expect(rehearsePayment(rpc, wallet, payOdd(token))).rejects.toMatchObject({ code: 'TRANSFER_REFUSED' });
  });

  it('counts what a hungry token burns, and refuses what no transaction may use', async () => {
    const token = await deployToken(chain, 'TestHungryToken');
    await owner(token, 'mint', wallet, AMOUNT);
    await owner(token, 'setAppetite', 2_000_000n);
    expect(await rehearsePayment(rpc, wallet, payOdd(token))).toBeGreaterThan(2_000_000n);
    await owner(token, 'setAppetite', 1n << 25n);
    await expect(rehearsePayment(rpc, wallet, payOdd(token))).rejects.toMatchObject({ code: 'TRANSFER_REFUSED' });
  });

  it('does not blame the token when the wallet has no gas', async () => {
    const poor = Wallet.createRandom().address as Address;
    await owner('TestUSDC', 'mint', poor, AMOUNT);
    expect(await rehearsePayment(rpc, poor, pay('TestUSDC'))).toBeGreaterThan(30_000n);
  });

  // One line for each way a client words it; the words were looked up in the clients' sources.
  it.each([
    ['execution reverted', 3],
    ['execution reverted: Pausable: paused', -32000],
    ['Execution reverted', -32000],
    ['VM execution error.', -32015],
    ['revert', -32015],
    ['invalid opcode: INVALID', -32000],
    ['invalid opcode: opcode 0xfe not defined', -32000],
    ['EVM error: InvalidFEOpcode', -32003],
    ['EVM error OpcodeNotFound', -32603],
    ['BadInstruction', -32015],
    ['invalid jump destination', -32000],
    ['stack underflow (0 <=> 1)', -32000],
    ['stack limit reached 1024 (1023)', -32000],
    ['out of gas', -32000],
    ['gas required exceeds allowance (50000000)', -32000],
    ['gas required exceeds allowance (33554432)', -32000],
    ['Out of gas: gas required exceeds allowance: 30000000', -32003],
    ['out of gas: gas required exceeds: 550000000', -32000],
    ['Gas estimation failed due to out of gas', -32000],
    ['Cannot estimate gas, gas spent exceeded transaction and block gas limit or transaction gas limit cap', -32000],
    ['Transaction execution fails', -32000],
    ['Transaction processing could not be completed due to an exception: INVALID_OPERATION', -32000],
  ])('takes "%s" for a refusal', async (message, code) => {
    await rpc.call('eth_blockNumber', []);
    proxy.inject({ kind: 'error', message, code });
    await expect(rehearsePayment(rpc, wallet, pay('TestUSDC'))).rejects.toMatchObject({ code: 'TRANSFER_REFUSED', parameters: { reason: message } });
  });

  it('refuses an estimate above what a transaction may use on Polygon, and takes one at the bound', async () => {
    const estimating = (gas: bigint): Rpc => rpcThrough(rpc.chainId, async (method, params) => (method === 'eth_estimateGas' ? (`0x${gas.toString(16)}` as never) : rpc.call(method, params)));
    expect(await rehearsePayment(estimating(1n << 25n), wallet, pay('TestUSDC'))).toBe(1n << 25n);
    await expect(rehearsePayment(estimating((1n << 25n) + 1n), wallet, pay('TestUSDC'))).rejects.toMatchObject(refused(/33554433 gas/));
  });

  it.each([
    ['no node answers', { kind: 'refuse' }],
    ['a node is not able to', { kind: 'error', message: 'header not found' }],
    ['a node limits us', { kind: 'error', message: 'rate limit exceeded', code: -32005 }],
    ['a node stopped looking', { kind: 'error', message: 'execution aborted (timeout = 5s)' }],
    ['a node counts what the balance buys', { kind: 'error', message: 'gas required exceeds allowance (0)' }],
    ['a node counts it in other words', { kind: 'error', message: 'Out of gas: gas required exceeds allowance: 19999', code: -32003 }],
    ['the native balance is short', { kind: 'error', message: 'insufficient funds for gas * price + value: address 0x00 have 0 want 1' }],
    ['a node has a fault of its own', { kind: 'error', message: 'Internal error', code: -32603 }],
  ] as const)('does not take it for a refusal when %s', async (_name, fault) => {
    await rpc.call('eth_blockNumber', []);
    proxy.inject(fault);
    await expect(rehearsePayment(rpc, wallet, pay('TestUSDC'))).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
  });

  it("reads a token's decimals, and its balance at a block", async () => {
    const token = chain.tokens.TestUSDC as Address;
    expect(await readTokenDecimals(rpc, token)).toBe(6);
    const before = Number(await chain.rpc.call<string>('eth_blockNumber', []));
    await owner('TestUSDC', 'mint', recipient, AMOUNT);
    expect(await readTokenBalance(rpc, token, recipient, before)).toBe(0n);
    expect(await readTokenBalance(rpc, token, recipient, before + 1)).toBe(AMOUNT);
  });
});
