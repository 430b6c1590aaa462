import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postMessage, type PostOptions } from './post-message.ts';
import { startReceiver, type Receiver } from './receiver.testkit.ts';
import { resolveHost } from './resolve-host.ts';

let receiver: Receiver;
let asked: string[];
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());
beforeEach(() => {
  asked = [];
  receiver.received.length = 0;
  receiver.answer = 204;
});

/** Name servers by hand: each look takes the next answer, the last one stays. */
const namesAre = (...answers: string[][]): PostOptions['resolveHost'] => async (host) => {
  asked.push(host);
  return (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
};
const SANDBOX = { allowHttp: true, allowPrivateAddresses: true };

function post(url: string, options: Partial<PostOptions> = {}) {
  const message = { url, headers: { 'webhook-id': 'msg-0123' }, body: '{"a":"é"}' };
  return postMessage(message, { rules: SANDBOX, timeoutMs: 5_000, resolveHost: namesAre(['127.0.0.1']), signal: new AbortController().signal, ...options });
}
const named = () => `http://shop.example.com:${receiver.port}/hook?shop=1`;

describe('postMessage', () => {
  it('posts the body as it is, to the address the name server gave, under the name', async () => {
    receiver.answer = (response) => response.writeHead(201, { 'content-type': 'text/plain' }).end('thank\u0000 you\n');
    expect(await post(named())).toEqual({ answer: { statusCode: 201, retryAfterMs: null }, response: 'thank  you ' });
    expect(receiver.received).toMatchObject([{ method: 'POST', path: '/hook?shop=1', body: '{"a":"é"}', headers: { host: `shop.example.com:${receiver.port}`, 'content-type': 'application/json', 'content-length': '10', 'webhook-id': 'msg-0123' } }]);
    expect(asked).toEqual(['shop.example.com']);
  });

  it('follows no redirect', async () => {
    receiver.answer = (response) => response.writeHead(307, { location: `${receiver.url}/elsewhere` }).end();
    expect((await post(named())).answer).toEqual({ statusCode: 307, retryAfterMs: null });
    expect(receiver.received).toHaveLength(1);
  });

  it.each([[['10.0.0.7']], [['8.8.8.8', '127.0.0.1']], [['8.8.8.8', '::ffff:127.0.0.1']], [['169.254.169.254']]])('sends nothing where any address is private: %j', async (addresses) => {
    expect(await post(named(), { rules: { ...SANDBOX, allowPrivateAddresses: false }, resolveHost: namesAre(addresses) })).toEqual({ answer: { error: 'ADDRESS_REFUSED' }, response: null });
    expect(receiver.received).toEqual([]);
  });

  it('goes to what it checked: a name that changes its mind is not asked again', async () => {
    const rebinding = namesAre(['127.0.0.1'], ['169.254.169.254']);
    expect((await post(named(), { resolveHost: rebinding })).answer).toMatchObject({ statusCode: 204 });
    expect(asked).toHaveLength(1);
  });

  it('checks an address in the URL as well, and the URL itself at each send', async () => {
    const strict = { allowHttp: false, allowPrivateAddresses: false };
    for (const url of [receiver.url, `https://127.0.0.1:${receiver.port}/`, `https://[::1]:${receiver.port}/`]) expect((await post(url, { rules: strict, resolveHost })).answer).toEqual({ error: 'ADDRESS_REFUSED' });
    expect(receiver.received).toEqual([]);
  });

  it('knows this machine by its name without a name server', async () => {
    expect((await post(`http://localhost:${receiver.port}/hook`, { resolveHost })).answer).toMatchObject({ statusCode: 204 });
  });

  it('tells what kept it from an answer', async () => {
    expect((await post(named(), { resolveHost: namesAre([]) })).answer).toEqual({ error: 'NAME_NOT_FOUND' });
    // A port nobody listens on, and one that does not speak TLS.
    expect((await post('http://127.0.0.1:1025/', { resolveHost })).answer).toEqual({ error: 'CONNECTION_FAILED' });
    expect((await post(`https://127.0.0.1:${receiver.port}/`, { resolveHost })).answer).toEqual({ error: 'TLS_FAILED' });
  });

  it('reads Retry-After', async () => {
    receiver.answer = (response) => response.writeHead(503, { 'retry-after': '7' }).end();
    expect((await post(named())).answer).toEqual({ statusCode: 503, retryAfterMs: 7_000 });
  });

  it('waits no longer than its time: for a name, or for an answer', async () => {
    receiver.answer = () => undefined;
    expect((await post(named(), { timeoutMs: 200 })).answer).toEqual({ error: 'TIMED_OUT' });
    await expect.poll(() => receiver.open()).toBe(0);
    expect((await post(named(), { timeoutMs: 100, resolveHost: () => new Promise(() => undefined) })).answer).toEqual({ error: 'TIMED_OUT' });
  });

  it('reads a little of an endless body, and has its answer', async () => {
    let sent = 0;
    receiver.answer = (response) => {
      response.writeHead(200);
      const pour = () => {
        if (response.destroyed) return;
        sent += 1_024;
        response.write('x'.repeat(1_024), () => setImmediate(pour));
      };
      pour();
    };
    const { answer, response } = await post(named());
    expect(answer).toMatchObject({ statusCode: 200 });
    expect(response).toBe('x'.repeat(256));
    await expect.poll(() => receiver.open()).toBe(0);
    expect(sent).toBeLessThan(10 * 1_024 * 1_024);
  });

  it('takes the status for the answer although the body never ends', async () => {
    receiver.answer = (response) => void response.writeHead(200).write('so far');
    expect(await post(named())).toEqual({ answer: { statusCode: 200, retryAfterMs: null }, response: 'so far' });
    expect(await post(named(), { timeoutMs: 300 })).toEqual({ answer: { statusCode: 200, retryAfterMs: null }, response: 'so far' });
  });

  it('throws when it is told to stop, and drops the connection', async () => {
    const stopping = new AbortController();
    receiver.answer = () => stopping.abort(new Error('stopping'));
    await expect(post(named(), { signal: stopping.signal })).rejects.toThrow('stopping');
    await expect.poll(() => receiver.open()).toBe(0);
  });
});

describe('a connection that is taken and never answered', () => {
  it('is given up sooner than an answer: the time to connect includes TLS', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const startedAt = Date.now();
    const { port } = server.address() as AddressInfo;
    expect((await post(`https://127.0.0.1:${port}/`, { resolveHost, timeoutMs: 20_000, connectTimeoutMs: 100 })).answer).toEqual({ error: 'TIMED_OUT' });
    expect(Date.now() - startedAt).toBeLessThan(10_000);
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});

describe('bytes that are no HTTP', () => {
  let server: Server;
  afterEach(() => server.close());

  it.each(['NOT HTTP AT ALL\r\n\r\n', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`, ''])('are a connection that failed', async (bytes) => {
    server = createServer((socket: Socket) => {
      socket.on('error', () => undefined);
      socket.end(bytes);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect(await post(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { resolveHost })).toEqual({ answer: { error: 'CONNECTION_FAILED' }, response: null });
  });
});
