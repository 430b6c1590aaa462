import { Contract, Wallet } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../../domain/address.ts';
import { chainClient, treasury } from '../../scripts/sandbox/chain-client.ts';
import type { TokenAddresses } from '../../scripts/sandbox/chain-file.ts';
import { startTestChain, type TestChain } from '../../tests/harness/chain.ts';
import { startRpcProxy, type RpcProxy } from '../../tests/harness/rpc-proxy.ts';
import { compileContracts } from './contracts/compile.ts';
import { paymentCall, readTokenBalance, readTokenDecimals, rehearsePayment } from './erc20.ts';
import { createRpc, type Rpc } from './rpc.ts';

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

  /** A call by the owner of a test token, mined. */
  async function owner(token: keyof TokenAddresses, method: string, ...args: unknown[]): Promise<void> {
    const provider = chainClient(chain.url, chain.chainId);
    try {
      const contract = new Contract(chain.tokens[token], [...(await compileContracts())[token].abi], treasury(provider));
      await (await contract.getFunction(method).send(...args)).wait();
    } finally {
      provider.destroy();
    }
  }
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
    ['no node answers', { kind: 'refuse' }],
    ['a node is not able to', { kind: 'error', message: 'header not found' }],
    ['a node limits us', { kind: 'error', message: 'rate limit exceeded', code: -32005 }],
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
