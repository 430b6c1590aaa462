import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../domain/errors.ts';
import { startRpcProxy, type RpcProxy } from '../../tests/harness/rpc-proxy.ts';
import { startManualChain, type ManualChain } from './manual-chain.testkit.ts';
import { createRpc, RpcAnswerError } from './rpc.ts';
import { isKnown, sendRawTransaction } from './send.ts';

const callsOf = (proxy: RpcProxy) => Object.fromEntries(proxy.calls);

describe('the RPC pool', () => {
  let chain: ManualChain;
  let stranger: ManualChain;
  let first: RpcProxy;
  let second: RpcProxy;
  let foreign: RpcProxy;
  beforeAll(async () => {
    [chain, stranger] = await Promise.all([startManualChain(), startManualChain(1)]);
    [first, second, foreign] = await Promise.all([startRpcProxy(chain.url), startRpcProxy(chain.url), startRpcProxy(stranger.url)]);
  });
  afterAll(async () => {
    await Promise.all([first, second, foreign].map((proxy) => proxy.stop()));
    await Promise.all([chain.stop(), stranger.stop()]);
  });
  beforeEach(() => {
    for (const proxy of [first, second, foreign]) {
      proxy.inject({ kind: 'pass' });
      proxy.calls.clear();
    }
  });
  const pool = (proxies: RpcProxy[], timeoutMs = 2_000) => createRpc({ urls: proxies.map(({ url }) => url), chainId: chain.chainId, timeoutMs });

  it('asks the second endpoint when the first does not answer, and the first again once it does', async () => {
    const rpc = pool([first, second]);
    first.inject({ kind: 'refuse' });
    expect(await rpc.call('eth_blockNumber', [])).toBe('0x0');
    expect(callsOf(second)).toEqual({ eth_chainId: 1, eth_blockNumber: 1 });
    first.inject({ kind: 'pass' });
    await rpc.call('eth_blockNumber', []);
    expect(callsOf(first)).toEqual({ eth_chainId: 2, eth_blockNumber: 1 });
    expect(callsOf(second)).toEqual({ eth_chainId: 1, eth_blockNumber: 1 });
  });

  it('never uses an endpoint of another chain', async () => {
    const { raw } = chain.signTransfer(0, 0);
    expect(await pool([foreign, first]).call('eth_blockNumber', [])).toBe('0x0');
    await expect(pool([foreign]).call('eth_sendRawTransaction', [raw])).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE', parameters: { reason: expect.stringContaining('serves chain 1, not 80002') } });
    expect(callsOf(foreign)).toEqual({ eth_chainId: 2 });
  });

  it('calls a timeout CHAIN_UNAVAILABLE', async () => {
    const rpc = pool([first], 200);
    await rpc.call('eth_blockNumber', []);
    first.inject({ kind: 'delay', ms: 1_000 });
    const error = await rpc.call('eth_blockNumber', []).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'CHAIN_UNAVAILABLE', parameters: { method: 'eth_blockNumber', reason: expect.stringContaining('timeout') } });
  });

  it("passes on a node's own error with its text and code, and asks nobody else", async () => {
    const rpc = pool([first, second]);
    const error = await rpc.call('eth_unheardOf', []).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RpcAnswerError);
    expect(error).toMatchObject({ rpcCode: -32601, method: 'eth_unheardOf', message: expect.stringMatching(/not found/i) });
    first.inject({ kind: 'error', message: 'nonce too low: next nonce 7, tx nonce 6', code: -32000 });
    await expect(rpc.call('eth_sendRawTransaction', ['0x'])).rejects.toMatchObject({ name: 'RpcAnswerError', message: 'nonce too low: next nonce 7, tx nonce 6' });
    expect(callsOf(second)).toEqual({});
  });

  it.each([
    ['a gateway error page', { kind: 'http', status: 502, body: '<html><body><h1>502 Bad Gateway</h1></body></html>' }, 'HTTP 502'],
    ['JSON that is no answer', { kind: 'http', status: 200, body: '{"ok":true}' }, 'without a result'],
    ['null', { kind: 'http', status: 200, body: 'null' }, ''],
  ] as const)('takes %s for no answer', async (_name, fault, reason) => {
    const alone = pool([first]);
    const both = pool([first, second]);
    first.inject(fault);
    await expect(alone.call('eth_blockNumber', [])).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE', parameters: { reason: expect.stringContaining(reason) } });
    expect(await both.call('eth_blockNumber', [])).toBe('0x0');
  });

  it('calls a send whose answer was lost unknown, though the node has it', async () => {
    const rpc = pool([first]);
    const { raw, txHash } = chain.signTransfer(1, 0);
    first.inject({ kind: 'drop-answer' }, ['eth_sendRawTransaction']);
    expect(await sendRawTransaction(rpc, raw)).toMatchObject({ kind: 'unknown' });
    expect(await isKnown(rpc, txHash)).toBe(true);
    first.inject({ kind: 'pass' });
    expect(await sendRawTransaction(rpc, raw)).toMatchObject({ kind: 'accepted' });
    expect(await isKnown(rpc, chain.signTransfer(1, 1).txHash)).toBe(false);
  });
});
