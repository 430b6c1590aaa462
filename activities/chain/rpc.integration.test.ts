import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../domain/errors.ts';
import { startRpcProxy, type RpcProxy } from '../../tests/harness/rpc-proxy.ts';
import { startManualChain, type ManualChain } from './manual-chain.testkit.ts';
import { createRpc, RpcAnswerError, type Contradiction, type RpcOptions } from './rpc.ts';
import { isKnown, sendRawTransaction } from './send.ts';
import { readFinalReceipt } from './receipts.ts';

const KEY = 'a1b2c3d4e5f6-secret-key';
const callsOf = (proxy: RpcProxy) => Object.fromEntries(proxy.calls);
const count = (proxy: RpcProxy, method: string) => proxy.calls.get(method) ?? 0;
const total = (proxy: RpcProxy) => [...proxy.calls.values()].reduce((sum, calls) => sum + calls, 0);

describe('the RPC pool', () => {
  let chain: ManualChain;
  let stranger: ManualChain;
  /** the same chain id, other blocks */
  let fork: ManualChain;
  let first: RpcProxy;
  let second: RpcProxy;
  let third: RpcProxy;
  let foreign: RpcProxy;
  let forked: RpcProxy;
  beforeAll(async () => {
    [chain, stranger, fork] = await Promise.all([startManualChain(), startManualChain(1), startManualChain()]);
    await fork.rpc.call('evm_increaseTime', [1_000]);
    await Promise.all([chain.mine(30), fork.mine(30)]);
    [first, second, third, foreign, forked] = await Promise.all([startRpcProxy(chain.url), startRpcProxy(chain.url), startRpcProxy(chain.url), startRpcProxy(stranger.url), startRpcProxy(fork.url)]);
  });
  afterAll(async () => {
    await Promise.all([first, second, third, foreign, forked].map((proxy) => proxy.stop()));
    await Promise.all([chain.stop(), stranger.stop(), fork.stop()]);
  });
  beforeEach(() => {
    for (const proxy of [first, second, third, foreign, forked]) {
      proxy.inject({ kind: 'pass' });
      proxy.calls.clear();
    }
  });
  afterEach(() => vi.useRealTimers());

  /** A pool that checks its endpoints once by itself and then when told, and what it tells. */
  function pool(proxies: RpcProxy[], options: Partial<RpcOptions> = {}) {
    const told = { contradictions: [] as Contradiction[], settled: [] as string[], alone: [] as string[], conditions: [] as string[] };
    const rpc = createRpc({
      urls: proxies.map(({ url }) => `${url}/${KEY}`),
      chainId: chain.chainId,
      timeoutMs: 2_000,
      checkEveryMs: 3_600_000,
      onContradiction: (contradiction) => told.contradictions.push(contradiction),
      onSettled: (subject) => told.settled.push(subject),
      onAlone: (method) => told.alone.push(method),
      onCondition: ({ index, condition }) => told.conditions.push(`${index} ${condition}`),
      ...options,
    });
    return { rpc, told, conditions: () => rpc.reports().map(({ condition }) => condition) };
  }
  const head = async () => `0x${(await chain.head()).toString(16)}`;

  describe('with one endpoint', () => {
    it('asks it, takes its word, and checks nothing but its chain id', async () => {
      const { rpc, told, conditions } = pool([first]);
      expect(await rpc.call('eth_blockNumber', [])).toBe(await head());
      expect(await rpc.agree('eth_blockNumber', [])).toBe(await head());
      expect(await rpc.reached('eth_blockNumber', [], Number)).toBe(await chain.head());
      expect(callsOf(first)).toEqual({ eth_chainId: 1, eth_blockNumber: 3 });
      expect(told.alone).toEqual([]);
      expect(conditions()).toEqual(['unknown']);
    });

    it('goes on asking it however often it failed: there is nobody else', async () => {
      const { rpc, conditions } = pool([first]);
      first.inject({ kind: 'refuse' });
      for (let failure = 0; failure < 5; failure += 1) await expect(rpc.call('eth_blockNumber', [])).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
      expect(total(first)).toBe(5);
      expect(conditions()).toEqual(['resting']);
      first.inject({ kind: 'pass' });
      expect(await rpc.call('eth_blockNumber', [])).toBe(await head());
      expect(conditions()).toEqual(['unknown']);
    });

    it('calls a timeout CHAIN_UNAVAILABLE', async () => {
      const { rpc } = pool([first], { timeoutMs: 200 });
      await rpc.call('eth_blockNumber', []);
      first.inject({ kind: 'delay', ms: 1_000 });
      const error = await rpc.call('eth_blockNumber', []).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(EngineError);
      expect(error).toMatchObject({ code: 'CHAIN_UNAVAILABLE', parameters: { method: 'eth_blockNumber', reason: expect.stringContaining('timeout') } });
    });
  });

  it('asks the second endpoint when the first does not answer, and the first again once it does', async () => {
    const { rpc, told, conditions } = pool([first, second]);
    await rpc.checkHealth();
    first.inject({ kind: 'refuse' });
    for (const proxy of [first, second]) proxy.calls.clear();
    expect(await rpc.call('eth_blockNumber', [])).toBe(await head());
    expect([callsOf(first), callsOf(second)]).toEqual([{ eth_blockNumber: 1 }, { eth_blockNumber: 1 }]);
    await rpc.checkHealth();
    expect(conditions()).toEqual(['unreachable', 'up']);
    first.inject({ kind: 'pass' });
    await rpc.checkHealth();
    for (const proxy of [first, second]) proxy.calls.clear();
    await rpc.call('eth_blockNumber', []);
    expect([callsOf(first), callsOf(second)]).toEqual([{ eth_blockNumber: 1 }, {}]);
    expect(told.conditions).toEqual(['0 unreachable', '0 up']);
  });

  it('never uses an endpoint of another chain', async () => {
    const { raw } = chain.signTransfer(0, 0);
    const both = pool([foreign, first]);
    expect(await both.rpc.call('eth_blockNumber', [])).toBe(await head());
    expect(both.conditions()).toEqual(['wrong-chain', 'up']);
    first.inject({ kind: 'refuse' });
    await expect(both.rpc.call('eth_blockNumber', [])).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
    await expect(pool([foreign]).rpc.call('eth_sendRawTransaction', [raw])).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE', parameters: { reason: expect.stringContaining('serves chain 1, not 80002') } });
    expect(callsOf(foreign)).toEqual({ eth_chainId: 2 });
  });

  it("passes on a node's own error with its text and code, and asks nobody else", async () => {
    const { rpc } = pool([first, second]);
    await rpc.checkHealth();
    second.calls.clear();
    const error = await rpc.call('eth_unheardOf', []).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RpcAnswerError);
    expect(error).toMatchObject({ rpcCode: -32601, method: 'eth_unheardOf', message: expect.stringMatching(/not found/i) });
    first.inject({ kind: 'error', message: 'nonce too low: next nonce 7, tx nonce 6', code: -32000 });
    await expect(rpc.call('eth_sendRawTransaction', ['0x'])).rejects.toMatchObject({ name: 'RpcAnswerError', message: 'nonce too low: next nonce 7, tx nonce 6' });
    expect(callsOf(second)).toEqual({});
  });

  it.each([
    ['lacks the block', { kind: 'error', message: 'header not found' }],
    ['lacks the state', { kind: 'error', message: 'missing trie node 0a1b (path 0c)' }],
    ['limits us', { kind: 'error', message: 'limit exceeded', code: -32005 }],
    ['limits us by HTTP', { kind: 'http', status: 429, body: '{"error":{"code":429,"message":"slow down"}}' }],
    ['is overloaded', { kind: 'http', status: 503, body: '{"error":{"code":-32000,"message":"no backend"}}' }],
  ] as const)('asks the next when a node %s, and shows that answer when no other is left', async (_name, fault) => {
    const { rpc } = pool([first, second]);
    await rpc.checkHealth();
    first.inject(fault);
    expect(await rpc.call('eth_blockNumber', [])).toBe(await head());
    second.inject({ kind: 'refuse' });
    await expect(rpc.call('eth_blockNumber', [])).rejects.toBeInstanceOf(RpcAnswerError);
  });

  it.each([
    ['a gateway error page', { kind: 'http', status: 502, body: '<html><body><h1>502 Bad Gateway</h1></body></html>' }, 'HTTP 502'],
    ['JSON that is no answer', { kind: 'http', status: 200, body: '{"ok":true}' }, 'without a result'],
    ['null', { kind: 'http', status: 200, body: 'null' }, ''],
  ] as const)('takes %s for no answer', async (_name, fault, reason) => {
    const alone = pool([first]);
    const both = pool([first, second]);
    first.inject(fault);
    await expect(alone.rpc.call('eth_blockNumber', [])).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE', parameters: { reason: expect.stringContaining(reason) } });
    expect(await both.rpc.call('eth_blockNumber', [])).toBe(await head());
  });

  it('follows no redirect: who is asked is what the configuration says', async () => {
    const elsewhere = createServer((_request, response) => response.writeHead(307, { location: chain.url }).end());
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const rpc = createRpc({ urls: [`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`], chainId: chain.chainId });
    await expect(rpc.call('eth_blockNumber', [])).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
    await new Promise((resolve) => elsewhere.close(resolve));
  });

  it('shows no URL, whatever fails', async () => {
    const inUrl = pool([first, second], { timeoutMs: 300 });
    await inUrl.rpc.checkHealth();
    const texts: string[] = [];
    for (const fault of [
      { kind: 'refuse' },
      { kind: 'delay', ms: 1_000 },
      { kind: 'http', status: 403, body: `no access for /${KEY}` },
      { kind: 'error', message: `the key ${KEY} is not valid` },
    ] as const) {
      first.inject(fault);
      second.inject(fault);
      for (const read of [inUrl.rpc.call, inUrl.rpc.agree]) {
        const error = await read('eth_gasPrice', []).then(() => null, (thrown: unknown) => thrown as Error);
        expect(error).toBeInstanceOf(Error);
        texts.push(String(error?.message), String(error?.stack), JSON.stringify(error), String((error?.cause as Error | undefined)?.stack));
      }
      texts.push(JSON.stringify(await sendRawTransaction(inUrl.rpc, chain.signTransfer(9, 0).raw)));
      await inUrl.rpc.checkHealth();
    }
    texts.push(JSON.stringify([inUrl.told, inUrl.rpc.reports()]));
    expect(texts.filter((text) => text.includes('key [redacted] is not valid')).length).toBeGreaterThan(0);
    expect(texts.filter((text) => text.includes(KEY))).toEqual([]);
    expect(() => createRpc({ urls: [`ftp://${KEY}`], chainId: 1 })).toThrow(/^RPC endpoint 1 is not an http or https URL\.$/);
    expect(() => createRpc({ urls: [], chainId: 1 })).toThrow('No RPC endpoint is given.');
  });

  describe('health', () => {
    it('leaves out an endpoint that lags, and takes it back', async () => {
      const { rpc, told, conditions } = pool([first, second], { lagBlocksMax: 5 });
      const newest = await chain.head();
      first.inject({ kind: 'frozen', head: newest - 6 });
      expect(await rpc.call('eth_blockNumber', [])).toBe(await head());
      expect(conditions()).toEqual(['lagging', 'up']);
      // It is asked last, and only when nobody else answers.
      second.inject({ kind: 'refuse' });
      expect(Number(await rpc.call('eth_blockNumber', []))).toBe(newest - 6);
      second.inject({ kind: 'pass' });
      first.inject({ kind: 'frozen', head: newest - 5 });
      await rpc.checkHealth();
      expect(conditions()).toEqual(['up', 'up']);
      expect(told.conditions).toEqual(['0 lagging', '0 up']);
    });

    it('leaves out an endpoint whose finality steps back, or that cannot name a final block, until it does', async () => {
      const { rpc, conditions } = pool([first, second], { lagBlocksMax: 5 });
      const newest = await chain.head();
      await rpc.checkHealth();
      second.inject({ kind: 'frozen', head: newest, finalBehind: 20 });
      await rpc.checkHealth();
      expect(conditions()).toEqual(['up', 'finality-stepped-back']);
      second.inject({ kind: 'rewrite', change: (result, { params }) => (params[0] === 'finalized' ? null : result) });
      await rpc.checkHealth();
      expect(conditions()).toEqual(['up', 'no-finality']);
      second.inject({ kind: 'pass' });
      await rpc.checkHealth();
      expect(conditions()).toEqual(['up', 'up']);
      // All at once: then it is the chain's finality that stalls, and nobody is left out for it.
      for (const proxy of [first, second]) proxy.inject({ kind: 'frozen', head: newest, finalBehind: 20 });
      await rpc.checkHealth();
      expect(conditions()).toEqual(['up', 'up']);
    });

    it('never uses the one of three that is on another fork, not even when the others are away', async () => {
      const { rpc, told, conditions } = pool([forked, first, second]);
      expect(await rpc.call('eth_getBlockByNumber', ['0x5', false])).toMatchObject({ hash: (await chain.rpc.call<{ hash: string }>('eth_getBlockByNumber', ['0x5', false])).hash });
      expect(conditions()).toEqual(['forked', 'up', 'up']);
      expect(told.contradictions).toMatchObject([{ subject: 'final block', endpoints: [expect.stringMatching(/^endpoint 1 \(127\.0\.0\.1:\d+\)$/)] }]);
      for (const proxy of [first, second]) proxy.inject({ kind: 'refuse' });
      await rpc.checkHealth();
      expect(conditions()).toEqual(['forked', 'unreachable', 'unreachable']);
      forked.calls.clear();
      await expect(rpc.call('eth_gasPrice', [])).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
      await expect(rpc.agree('eth_gasPrice', [])).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
      expect(await sendRawTransaction(rpc, chain.signTransfer(9, 0).raw)).toMatchObject({ kind: 'unknown' });
      expect([count(forked, 'eth_gasPrice'), count(forked, 'eth_sendRawTransaction')]).toEqual([0, 0]);
      expect(told.contradictions.length).toBe(1);
    });

    it('decides no money while two differ about a final block, tells of it once, and reads by order', async () => {
      const { rpc, told, conditions } = pool([first, forked]);
      for (let read = 0; read < 2; read += 1) {
        await expect(rpc.agree('eth_getBlockByNumber', ['0x5', false])).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE', parameters: { reason: expect.stringContaining('is disputed') } });
        await expect(rpc.reached('eth_blockNumber', [], Number)).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
      }
      expect(conditions()).toEqual(['disputed', 'disputed']);
      expect(told.contradictions.map(({ subject }) => subject)).toEqual(['final block']);
      const own = await chain.rpc.call<{ hash: string }>('eth_getBlockByNumber', ['0x5', false]);
      expect(await rpc.call('eth_getBlockByNumber', ['0x5', false])).toMatchObject({ hash: own.hash });
      // One of them away: the other has been confirmed by nobody.
      first.inject({ kind: 'refuse' });
      await expect(rpc.agree('eth_blockNumber', [])).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
      expect(conditions()).toEqual(['unreachable', 'disputed']);
    });

    it('tells when a dispute is over', async () => {
      const { rpc, told, conditions } = pool([first, second]);
      second.inject({ kind: 'rewrite', change: (result, { method }) => (method === 'eth_getBlockByNumber' ? { ...(result as object), hash: `0x${'b'.repeat(64)}` } : result) });
      await rpc.checkHealth();
      expect(conditions()).toEqual(['disputed', 'disputed']);
      second.inject({ kind: 'pass' });
      await rpc.checkHealth();
      expect(conditions()).toEqual(['up', 'up']);
      expect(told.settled).toEqual(['final block']);
      expect(await rpc.agree('eth_getBlockByNumber', ['0x5', false])).toMatchObject({ number: '0x5' });
    });

    it('takes nonsense for no answer', async () => {
      const { rpc, conditions } = pool([first, second]);
      second.inject({ kind: 'rewrite', change: (result, { method }) => (method === 'eth_chainId' ? result : { number: {}, hash: 7 }) });
      await rpc.checkHealth();
      expect(conditions()).toEqual(['up', 'unreachable']);
      second.inject({ kind: 'pass' });
      await rpc.checkHealth();
      second.inject({ kind: 'rewrite', change: () => ({}) });
      expect(await rpc.reached('eth_blockNumber', [], Number)).toBeNull();
      await expect(readFinalReceipt(rpc, chain.signTransfer(0, 0).txHash)).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
      expect(conditions()).toEqual(['up', 'up']);
    });

    it('checks by itself while it is used, and once for all callers', async () => {
      vi.useFakeTimers({ toFake: ['Date'] });
      const { rpc } = pool([first, second], { checkEveryMs: 4_000 });
      await Promise.all(Array.from({ length: 20 }, () => rpc.call('eth_gasPrice', [])));
      expect(count(second, 'eth_chainId')).toBe(1);
      await rpc.call('eth_gasPrice', []);
      expect(count(second, 'eth_chainId')).toBe(1);
      vi.setSystemTime(Date.now() + 4_001);
      await rpc.call('eth_gasPrice', []);
      await rpc.checkHealth();
      expect(count(second, 'eth_chainId')).toBe(2);
    });
  });

  describe('the circuit of an endpoint', () => {
    it('opens after three failures in a row, is probed once after its back-off, and closes with an answer', async () => {
      vi.useFakeTimers({ toFake: ['Date'] });
      const { rpc, conditions } = pool([first, second]);
      await rpc.checkHealth();
      first.inject({ kind: 'refuse' });
      first.calls.clear();
      for (let call = 0; call < 10; call += 1) expect(await rpc.call('eth_gasPrice', [])).toMatch(/^0x/);
      expect(total(first)).toBe(3);
      expect(conditions()).toEqual(['resting', 'up']);
      await rpc.checkHealth();
      expect(total(first)).toBe(3);
      // Past the longest back-off: one probe, and a failed one leaves the circuit open.
      vi.setSystemTime(Date.now() + 60_000);
      await rpc.checkHealth();
      expect(total(first)).toBe(4);
      expect(conditions()).toEqual(['unreachable', 'up']);
      await rpc.checkHealth();
      expect(total(first)).toBe(4);
      vi.setSystemTime(Date.now() + 60_000);
      first.inject({ kind: 'pass' });
      await rpc.checkHealth();
      expect(conditions()).toEqual(['up', 'up']);
      first.calls.clear();
      await rpc.call('eth_gasPrice', []);
      expect(callsOf(first)).toEqual({ eth_gasPrice: 1 });
    });

    it("does not open for a node's own errors, and opens when the node limits us", async () => {
      const { rpc, conditions } = pool([first, second]);
      await rpc.checkHealth();
      for (let call = 0; call < 5; call += 1) await expect(rpc.call('eth_unheardOf', [])).rejects.toBeInstanceOf(RpcAnswerError);
      first.inject({ kind: 'error', message: 'header not found' });
      for (let call = 0; call < 5; call += 1) await rpc.call('eth_gasPrice', []);
      expect(conditions()).toEqual(['up', 'up']);
      first.inject({ kind: 'error', message: 'limit exceeded', code: -32005 });
      for (let call = 0; call < 3; call += 1) await rpc.call('eth_gasPrice', []);
      expect(conditions()).toEqual(['resting', 'up']);
    });

    it('is passed by when all are open: the last resort is to try', async () => {
      const { rpc, conditions } = pool([first, second]);
      await rpc.checkHealth();
      for (const proxy of [first, second]) proxy.inject({ kind: 'refuse' });
      for (let call = 0; call < 4; call += 1) await expect(rpc.call('eth_gasPrice', [])).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
      expect(conditions()).toEqual(['resting', 'resting']);
      for (const proxy of [first, second]) proxy.inject({ kind: 'pass' });
      expect(await rpc.call('eth_gasPrice', [])).toMatch(/^0x/);
      expect(await rpc.agree('eth_getBlockByNumber', ['0x5', false])).toMatchObject({ number: '0x5' });
    });
  });

  describe('a read that decides money', () => {
    const block = ['0x5', false] as const;

    it('is asked of two, and answered when they agree', async () => {
      const { rpc, told } = pool([first, second, third]);
      await rpc.checkHealth();
      for (const proxy of [first, second, third]) proxy.calls.clear();
      expect(await rpc.agree('eth_getBlockByNumber', block)).toMatchObject({ number: '0x5' });
      expect([first, second, third].map(total)).toEqual([1, 1, 0]);
      expect(told).toMatchObject({ contradictions: [], alone: [] });
    });

    it('waits while only one of two healthy ones answers, and goes on with one that is alone', async () => {
      const { rpc, told } = pool([first, second]);
      await rpc.checkHealth();
      second.inject({ kind: 'refuse' });
      await expect(rpc.agree('eth_getBlockByNumber', block)).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE', parameters: { reason: expect.stringContaining('did not answer') } });
      expect(await rpc.reached('eth_blockNumber', [], Number)).toBeNull();
      await rpc.checkHealth();
      expect(await rpc.agree('eth_getBlockByNumber', block)).toMatchObject({ number: '0x5' });
      expect(await rpc.reached('eth_blockNumber', [], Number)).toBe(await chain.head());
      expect(told.alone).toEqual(['eth_getBlockByNumber', 'eth_blockNumber']);
    });

    it('takes no receipt from one of two that lies about it, and tells of it until they agree', async () => {
      const { rpc, told } = pool([first, second]);
      const { raw, txHash } = chain.signTransfer(2, 0);
      await chain.rpc.call('eth_sendRawTransaction', [raw]);
      await chain.mine();
      const honest = await readFinalReceipt(rpc, txHash);
      expect(honest).toMatchObject({ txHash, succeeded: true });
      second.inject({ kind: 'rewrite', change: (result) => ({ ...(result as object), status: '0x0' }) }, ['eth_getTransactionReceipt']);
      for (let read = 0; read < 2; read += 1) await expect(readFinalReceipt(rpc, txHash)).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE', parameters: { reason: 'endpoints contradict each other' } });
      expect(told.contradictions).toMatchObject([{ subject: `eth_getTransactionReceipt ${txHash}`, endpoints: [expect.stringMatching(/^endpoint 1/), expect.stringMatching(/^endpoint 2/)] }]);
      // One that does not have it yet contradicts nobody.
      second.inject({ kind: 'rewrite', change: () => null }, ['eth_getTransactionReceipt']);
      await expect(readFinalReceipt(rpc, txHash)).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE', parameters: { reason: 'endpoints do not agree yet' } });
      // Fields of one client's own decide nothing.
      second.inject({ kind: 'rewrite', change: (result) => ({ ...(result as object), timeboosted: false }) }, ['eth_getTransactionReceipt']);
      expect(await readFinalReceipt(rpc, txHash)).toEqual(honest);
      expect(told.contradictions.length).toBe(1);
      expect(told.settled).toEqual([`eth_getTransactionReceipt ${txHash}`]);
    });

    it('is decided by two against one liar, who is left out for a while', async () => {
      vi.useFakeTimers({ toFake: ['Date'] });
      const { rpc, told, conditions } = pool([first, second, third]);
      await rpc.checkHealth();
      first.inject({ kind: 'rewrite', change: () => '0xffff' }, ['eth_getBalance']);
      const balance = await chain.rpc.call('eth_getBalance', [chain.signTransfer(7, 0).from, '0x5']);
      expect(await rpc.agree('eth_getBalance', [chain.signTransfer(7, 0).from, '0x5'])).toBe(balance);
      expect(conditions()).toEqual(['contradicted', 'up', 'up']);
      expect(told.contradictions).toMatchObject([{ endpoints: [expect.stringMatching(/^endpoint 1/)], reason: 'two others agree on another answer' }]);
      first.calls.clear();
      await rpc.agree('eth_getBalance', [chain.signTransfer(7, 0).from, '0x5']);
      expect(await rpc.call('eth_getBalance', [chain.signTransfer(7, 0).from, '0x5'])).toBe(balance);
      expect(total(first)).toBe(0);
      vi.setSystemTime(Date.now() + 60_001);
      await rpc.checkHealth();
      expect(conditions()).toEqual(['up', 'up', 'up']);
    });

    it('counts only what two have reached', async () => {
      const newest = await chain.head();
      const two = pool([first, second]);
      const three = pool([first, second, third]);
      first.inject({ kind: 'frozen', head: newest - 2 });
      expect(await two.rpc.reached('eth_blockNumber', [], Number)).toBe(newest - 2);
      expect(await three.rpc.reached('eth_blockNumber', [], Number)).toBe(newest);
      first.inject({ kind: 'rewrite', change: () => '0xffffff' }, ['eth_blockNumber']);
      expect(await three.rpc.reached('eth_blockNumber', [], Number)).toBe(newest);
      expect(await two.rpc.reached('eth_blockNumber', [], Number)).toBe(newest);
    });
  });

  describe('a send', () => {
    it('goes to three at most, and one that takes it is enough', async () => {
      const { rpc, told } = pool([first, second, third, forked]);
      await rpc.checkHealth();
      first.inject({ kind: 'refuse' });
      second.inject({ kind: 'error', message: 'txpool is full' });
      const { raw, txHash } = chain.signTransfer(3, 0);
      expect(await sendRawTransaction(rpc, raw)).toEqual({ kind: 'accepted', text: txHash });
      expect([first, second, third, forked].map((proxy) => count(proxy, 'eth_sendRawTransaction'))).toEqual([1, 1, 1, 0]);
      expect(await isKnown(rpc, txHash)).toBe(true);
      expect(told.contradictions.map(({ subject }) => subject)).toEqual(['final block']);
    });

    it('is accepted and tells of a contradiction when one node takes it and another calls it impossible', async () => {
      const { rpc, told } = pool([first, second]);
      first.inject({ kind: 'error', message: 'intrinsic gas too low' }, ['eth_sendRawTransaction']);
      const { raw, txHash } = chain.signTransfer(4, 0);
      expect(await sendRawTransaction(rpc, raw)).toMatchObject({ kind: 'accepted' });
      expect(await isKnown(chain.rpc, txHash)).toBe(true);
      expect(told.contradictions).toEqual([{ subject: txHash, method: 'eth_sendRawTransaction', endpoints: [expect.stringMatching(/^endpoint 1/), expect.stringMatching(/^endpoint 2/)], reason: 'rejected, accepted' }]);
    });

    it('is unknown when no answer comes from anywhere, though a node has it', async () => {
      const { rpc } = pool([first, second], { timeoutMs: 300 });
      await rpc.checkHealth();
      const { raw, txHash } = chain.signTransfer(5, 0);
      first.inject({ kind: 'drop-answer' }, ['eth_sendRawTransaction']);
      second.inject({ kind: 'delay', ms: 1_000 }, ['eth_sendRawTransaction']);
      expect(await sendRawTransaction(rpc, raw)).toMatchObject({ kind: 'unknown' });
      expect(await isKnown(rpc, txHash)).toBe(true);
      for (const proxy of [first, second]) proxy.inject({ kind: 'pass' });
      expect(await sendRawTransaction(rpc, raw)).toMatchObject({ kind: 'already-known' });
      expect(await isKnown(rpc, chain.signTransfer(5, 1).txHash)).toBe(false);
      for (const proxy of [first, second]) proxy.inject({ kind: 'refuse' });
      await expect(isKnown(rpc, txHash)).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
    });

    it('is refused only when every node refuses', async () => {
      const { rpc } = pool([first, second]);
      await rpc.checkHealth();
      const { raw } = chain.signTransfer(6, 0);
      for (const proxy of [first, second]) proxy.inject({ kind: 'error', message: 'intrinsic gas too low' }, ['eth_sendRawTransaction']);
      expect(await sendRawTransaction(rpc, raw)).toMatchObject({ kind: 'rejected', text: 'intrinsic gas too low' });
      second.inject({ kind: 'refuse' });
      expect(await sendRawTransaction(rpc, raw)).toMatchObject({ kind: 'unknown' });
    });

    it('is not taken for sent when a node names another hash', async () => {
      const { rpc } = pool([first]);
      first.inject({ kind: 'rewrite', change: () => `0x${'c'.repeat(64)}` }, ['eth_sendRawTransaction']);
      expect(await sendRawTransaction(rpc, chain.signTransfer(8, 0).raw)).toMatchObject({ kind: 'unknown' });
    });
  });
});
