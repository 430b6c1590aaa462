import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { insistingFetch } from './insist.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const ok: Answer = (_request, response) => response.end('{"ok":true}');
const status = (code: number, headers: Record<string, string> = {}): Answer => (_request, response) => response.writeHead(code, headers).end('{}');
const hangUp: Answer = (request) => request.socket.destroy();
const breakOff: Answer = (request, response) => {
  response.writeHead(200, { 'content-length': '100' }).write('{');
  setImmediate(() => request.socket.destroy());
};
const silence: Answer = () => undefined;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that answers in turn, the last for ever. */
async function start(...answers: Answer[]) {
  const seen: { method: string; headers: IncomingMessage['headers']; body: string }[] = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ method: request.method ?? '', headers: request.headers, body });
      (answers[seen.length - 1] ?? answers.at(-1) ?? ok)(request, response);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/withdrawals`;
  let signatures = 0;
  const call = insistingFetch({ authorize: async (_request, body) => ({ signature: `${(signatures += 1)}/${body.length}` }), triesMax: 4, timeoutMs: 1_000, waitMs: 1 });
  return { seen, url, call };
}

const post = (url: string, headers: Record<string, string> = { 'idempotency-key': 'order-1' }) => new Request(url, { method: 'POST', headers, body: '{"amount":"1"}' });

describe('insistingFetch', () => {
  it.each([['no answer', hangUp], ['half an answer', breakOff], ['no answer in time', silence], ['503', status(503)], ['500', status(500)], ['429', status(429)]])('asks again after %s, with the same key and body and another signature', async (_name, answer) => {
    const { seen, url, call } = await start(answer, answer, ok);
    const response = await call(post(url));
    expect(await response.json()).toEqual({ ok: true });
    expect(seen.map(({ headers, body }) => [headers['idempotency-key'], headers['signature'], body])).toEqual([1, 2, 3].map((attempt) => ['order-1', `${attempt}/14`, '{"amount":"1"}']));
  });

  it.each([400, 401, 403, 404, 409, 422])('takes %i for an answer', async (code) => {
    const { seen, url, call } = await start(status(code));
    expect((await call(post(url))).status).toBe(code);
    expect(seen).toHaveLength(1);
  });

  it('never asks twice for what carries no key', async () => {
    for (const [answer, message] of [[hangUp, 'fetch failed'], [silence, 'no answer in time']] as const) {
      const { seen, url, call } = await start(answer);
      await expect(call(post(url, {}))).rejects.toThrow(message);
      expect(seen).toHaveLength(1);
      server?.closeAllConnections();
      server?.close();
    }
    const { seen, url, call } = await start(status(503));
    expect((await call(post(url, {}))).status).toBe(503);
    expect(seen).toHaveLength(1);
  });

  it('reads again, and gives up after its tries with what it got last', async () => {
    const { seen, url, call } = await start(hangUp, status(502), status(503));
    expect((await call(new Request(url))).status).toBe(503);
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET', 'GET']);
    const { url: gone, call: again } = await start(hangUp);
    await expect(again(new Request(gone))).rejects.toThrow('fetch failed');
  });

  it('waits as long as it is told to', async () => {
    const { seen, url, call } = await start(status(429, { 'retry-after': '1' }), ok);
    const started = performance.now();
    expect((await call(post(url))).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThanOrEqual(990);
    expect(seen).toHaveLength(2);
  });

  it('stops when the caller gives up, also while it waits', async () => {
    const { seen, url, call } = await start(status(429, { 'retry-after': '60' }));
    const giveUp = new AbortController();
    const called = call(new Request(post(url), { signal: giveUp.signal }));
    await expect.poll(() => seen.length).toBe(1);
    giveUp.abort(new Error('given up'));
    await expect(called).rejects.toThrow('given up');
    expect(seen).toHaveLength(1);
  });

  it('follows no redirection: what it signed is signed for one path', async () => {
    const { seen, url, call } = await start(status(307, { location: '/elsewhere' }));
    await expect(call(post(url, {}))).rejects.toThrow('fetch failed');
    expect(seen).toHaveLength(1);
  });
});
