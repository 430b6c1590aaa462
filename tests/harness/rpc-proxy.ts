import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProxiedCall {
  method: string;
  params: readonly unknown[];
}

/** What the proxy does with a call. */
export type Fault =
  | { kind: 'pass' }
  | { kind: 'refuse' }
  | { kind: 'delay'; ms: number }
  | { kind: 'error'; message: string; code?: number }
  /** the node acts, and its answer is lost */
  | { kind: 'drop-answer' }
  | { kind: 'http'; status: number; body: string }
  /** the node answers, and its result is changed */
  | { kind: 'rewrite'; change: (result: unknown, call: ProxiedCall) => unknown }
  /** a node that stands still at a block, `finalBehind` blocks above the last it calls final */
  | { kind: 'frozen'; head: number; finalBehind?: number };

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
    let body = Buffer.concat(chunks).toString('utf8');
    const call = JSON.parse(body) as ProxiedCall & { id: number };
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
    if (active.kind === 'frozen') body = JSON.stringify({ ...call, params: frozenParams(call, active) });
    if (active.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, active.ms));
    const answer = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const text = await answer.text();
    if (active.kind === 'drop-answer') {
      request.socket.destroy();
      return;
    }
    if (active.kind === 'rewrite') response.end(withResult(text, (result) => active.change(result, call)));
    else if (active.kind === 'frozen') response.end(withResult(text, (result) => frozenResult(result, call, active.head)));
    else response.end(text);
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

const quantity = (value: number) => `0x${Math.max(0, value).toString(16)}`;

function withResult(text: string, change: (result: unknown) => unknown): string {
  const answer = JSON.parse(text) as { result?: unknown };
  return JSON.stringify('result' in answer ? { ...answer, result: change(answer.result) } : answer);
}

function frozenParams({ params }: ProxiedCall, { head, finalBehind = 2 }: { head: number; finalBehind?: number }): unknown[] {
  const blocks: Record<string, string> = { latest: quantity(head), pending: quantity(head), finalized: quantity(head - finalBehind) };
  return params.map((param) => (typeof param === 'string' ? (blocks[param] ?? param) : param));
}

/** Later blocks, and receipts in them, are not there yet. */
function frozenResult(result: unknown, { method }: ProxiedCall, head: number): unknown {
  if (method === 'eth_blockNumber') return quantity(head);
  const block = (result ?? {}) as { number?: string; blockNumber?: string };
  return Number(block.number ?? block.blockNumber ?? 0) > head ? null : result;
}
