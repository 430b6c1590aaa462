import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the proxy does with a call. `drop-answer` lets the node act and loses its answer; `rewrite` gives another in its place. */
export type Fault = { kind: 'pass' } | { kind: 'refuse' } | { kind: 'delay'; ms: number } | { kind: 'error'; message: string; code?: number } | { kind: 'drop-answer' } | { kind: 'rewrite'; answer: (params: readonly unknown[], text: string) => string } | { kind: 'http'; status: number; body: string };

export interface RpcProxy {
  url: string;
  /** the fault of the calls that follow; `methods` limits it to some, the others pass */
  inject(fault: Fault, methods?: readonly string[]): void;
  /** calls seen, by method */
  readonly calls: Map<string, number>;
  stop(): Promise<void>;
}

/** A real JSON-RPC node behind a proxy that can be made to fail on demand. */
export async function startRpcProxy(target: string): Promise<RpcProxy> {
  let fault: Fault = { kind: 'pass' };
  let methods: readonly string[] | null = null;
  const calls = new Map<string, number>();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const call = JSON.parse(body) as { id: number; method: string; params: unknown[] };
    calls.set(call.method, (calls.get(call.method) ?? 0) + 1);
    const active = methods === null || methods.includes(call.method) ? fault : ({ kind: 'pass' } as const);
    if (active.kind === 'refuse') {
      request.socket.destroy();
      return;
    }
    if (active.kind === 'error') {
      response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, error: { code: active.code ?? -32000, message: active.message } }));
      return;
    }
    if (active.kind === 'http') {
      response.writeHead(active.status, { 'content-type': 'text/html' }).end(active.body);
      return;
    }
    if (active.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, active.ms));
    const answer = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const text = await answer.text();
    if (active.kind === 'drop-answer') {
      request.socket.destroy();
      return;
    }
    response.end(active.kind === 'rewrite' ? active.answer(call.params, text) : text);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    inject(next, only) {
      fault = next;
      methods = only ?? null;
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
