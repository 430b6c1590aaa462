import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startRpcProxy, type RpcProxy } from '../harness/rpc-proxy.ts';
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts';

/** A fault that does nothing would make a fault run look good: each is shown here to do what it says. */
describe('the TCP proxy', () => {
  let echo: Server;
  let proxy: TcpProxy;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    echo = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await startTcpProxy((echo.address() as AddressInfo).port);
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await proxy.stop();
    echo.close();
  });

  function dial(): Socket {
    const socket = connect(proxy.port, '127.0.0.1');
    sockets.push(socket);
    // Torn connections end tests here, they do not fail them.
    socket.on('error', () => undefined);
    return socket;
  }

  async function open(): Promise<Socket> {
    const socket = dial();
    await once(socket, 'connect');
    return socket;
  }

  async function echoed(socket: Socket, text: string): Promise<string> {
    const answer = once(socket, 'data');
    socket.write(text);
    return String((await answer)[0]);
  }

  // Not `once`: it throws at the reset that is waited for.
  const closed = async (socket: Socket): Promise<void> => {
    if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  };

  it('passes', async () => {
    expect(await echoed(await open(), 'hello')).toBe('hello');
    expect(proxy.connections()).toBe(1);
  });

  it('cuts what is open and refuses what is new, until healed', async () => {
    const before = await open();
    expect(await echoed(before, 'a')).toBe('a');
    proxy.inject({ kind: 'cut' });
    await closed(before);
    await closed(dial());
    proxy.inject({ kind: 'pass' });
    expect(await echoed(await open(), 'b')).toBe('b');
  });

  it('stalls: nothing comes until it ends, then everything', async () => {
    const socket = await open();
    expect(await echoed(socket, 'a')).toBe('a');
    proxy.inject({ kind: 'stall' });
    let heard = '';
    socket.on('data', (chunk) => (heard += String(chunk)));
    const answer = once(socket, 'data');
    socket.write('b');
    // Another connection's round trip past the proxy: time enough for the first to have been carried.
    const direct = connect((echo.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(direct);
    await echoed(direct, 'x');
    expect(heard).toBe('');
    proxy.inject({ kind: 'pass' });
    expect(String((await answer)[0])).toBe('b');
  });

  it('carries later under latency', async () => {
    const socket = await open();
    proxy.inject({ kind: 'latency', ms: 40 });
    const started = performance.now();
    expect(await echoed(socket, 'a')).toBe('a');
    expect(performance.now() - started).toBeGreaterThan(75);
  });

  it('resets in the middle of an answer', async () => {
    const socket = await open();
    proxy.inject({ kind: 'reset', afterBytes: 3 });
    expect(await echoed(socket, 'abc')).toBe('abc');
    socket.write('d');
    await closed(socket);
  });

  it('swallows what the client says, and tears such a line when it ends', async () => {
    const { socket, heard } = await swallowed(false);
    await closed(socket);
    expect(heard()).toBe('');
  });

  it('or leaves the line open and dead for good, while new ones work', async () => {
    const { socket, heard } = await swallowed(true);
    socket.write('still lost');
    expect(await echoed(await open(), 'x')).toBe('x');
    expect({ closed: socket.closed, heard: heard() }).toEqual({ closed: false, heard: '' });
  });

  /** A connection that said something while it was half-open, after the fault has ended. */
  async function swallowed(forGood: boolean): Promise<{ socket: Socket; heard(): string }> {
    const socket = await open();
    proxy.inject({ kind: 'swallow', forGood });
    let heard = '';
    socket.on('data', (chunk) => (heard += String(chunk)));
    socket.write('lost');
    const direct = connect((echo.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(direct);
    await echoed(direct, 'x');
    proxy.inject({ kind: 'pass' });
    return { socket, heard: () => heard };
  }
});

describe('the RPC proxy', () => {
  const HEAD = 100;
  const acted: string[] = [];
  const node = createHttpServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: unknown[] };
      acted.push(method);
      const results: Record<string, unknown> = { eth_blockNumber: `0x${HEAD.toString(16)}`, eth_getTransactionReceipt: { blockNumber: params[0] }, eth_getTransactionCount: params[1], eth_getBlockByNumber: { number: params[0] } };
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] ?? '0x0' }));
    });
  });
  let proxy: RpcProxy;

  beforeEach(async () => {
    acted.length = 0;
    node.listen(0, '127.0.0.1');
    await once(node, 'listening');
    proxy = await startRpcProxy(`http://127.0.0.1:${(node.address() as AddressInfo).port}`);
  });
  afterEach(async () => {
    await proxy.stop();
    node.closeAllConnections();
    await new Promise((resolve) => node.close(resolve));
  });

  async function ask(method: string, ...params: unknown[]): Promise<unknown> {
    const response = await fetch(proxy.url, { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) });
    return ((await response.json()) as { result: unknown }).result;
  }

  it('lags: it does not know the newest blocks, nor what is in them', async () => {
    const lift = proxy.add({ kind: 'lag', blocks: 4 });
    expect(await ask('eth_blockNumber')).toBe('0x60');
    expect(await ask('eth_getTransactionCount', '0xabc', 'latest')).toBe('0x60');
    expect(await ask('eth_getBlockByNumber', 'latest', false)).toEqual({ number: '0x60' });
    expect(await ask('eth_getBlockByNumber', '0x61', false)).toBeNull();
    expect(await ask('eth_getTransactionReceipt', '0x61')).toBeNull();
    expect(await ask('eth_getTransactionReceipt', '0x60')).toEqual({ blockNumber: '0x60' });
    lift();
    expect(await ask('eth_blockNumber')).toBe('0x64');
  });

  it('loses an answer after the node has acted, for some methods only', async () => {
    proxy.add({ kind: 'drop-answer' }, ['eth_sendRawTransaction']);
    await expect(ask('eth_sendRawTransaction', '0x02')).rejects.toThrow('fetch failed');
    expect(acted).toEqual(['eth_sendRawTransaction']);
    expect(await ask('eth_blockNumber')).toBe('0x64');
  });

  it('lets the newest of several faults hold, and the older again when it is lifted', async () => {
    const lag = proxy.add({ kind: 'lag', blocks: 4 });
    const refuse = proxy.add({ kind: 'refuse' });
    await expect(ask('eth_blockNumber')).rejects.toThrow('fetch failed');
    refuse();
    expect(await ask('eth_blockNumber')).toBe('0x60');
    lag();
    expect(await ask('eth_blockNumber')).toBe('0x64');
  });

  it('answers with the status of a gateway', async () => {
    proxy.inject({ kind: 'http', status: 429, body: 'Too Many Requests' });
    expect((await fetch(proxy.url, { method: 'POST', body: '{"id":1,"method":"eth_chainId"}' })).status).toBe(429);
  });
});
