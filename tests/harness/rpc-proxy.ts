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
  | { kind: 'frozen'; head: number; finalBehind?: number }
  /** answers as a node would that is that many blocks behind */
  | { kind: 'lag'; blocks: number };

export interface RpcProxy {
  url: string;
  /** the fault of the calls that follow, in place of all others; `methods` limits it to some, the others pass */
  inject(fault: Fault, methods?: readonly string[]): void;
  /** a fault beside those that stand, until the returned function lifts it; of several that fit, the newest holds */
  add(fault: Fault, methods?: readonly string[]): () => void;
  /** calls seen, by method */
  readonly calls: Map<string, number>;
  stop(): Promise<void>;
}

type Call = ProxiedCall & { jsonrpc: '2.0'; id: number };

interface Rule {
  fault: Fault;
  methods: readonly string[] | null;
}

/** A real JSON-RPC node behind a proxy that can be made to fail on demand. */
export async function startRpcProxy(target: string): Promise<RpcProxy> {
  let rules: Rule[] = [];
  const calls = new Map<string, number>();

  async function forward(body: string): Promise<string> {
    const answer = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return await answer.text();
  }

  async function answerBehind(call: Call, blocks: number): Promise<string> {
    const { result } = JSON.parse(await forward(JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'eth_blockNumber', params: [] }))) as { result: string };
    const head = Math.max(0, Number(result) - blocks);
    const reply = (value: unknown): string => JSON.stringify({ jsonrpc: '2.0', id: call.id, result: value });
    if (call.method === 'eth_blockNumber') return reply(`0x${head.toString(16)}`);
    const [first] = call.params;
    const isAhead = typeof first === 'string' && /^0x[0-9a-f]{1,16}$/i.test(first) && Number(first) > head;
    if (isAhead && /^eth_getBlock(ByNumber|Receipts)$/.test(call.method)) return reply(null);
    const behind = { ...call, params: call.params.map((parameter) => (parameter === 'latest' || parameter === 'pending' ? `0x${head.toString(16)}` : parameter)) };
    const text = await forward(JSON.stringify(behind));
    if (!/^eth_getTransaction(Receipt|ByHash)$/.test(call.method)) return text;
    const answer = JSON.parse(text) as { result?: { blockNumber: string | null } | null };
    return Number(answer.result?.blockNumber ?? 0) > head ? reply(null) : text;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const call = JSON.parse(body) as Call;
    calls.set(call.method, (calls.get(call.method) ?? 0) + 1);
    const fault = rules.findLast(({ methods }) => methods === null || methods.includes(call.method))?.fault ?? { kind: 'pass' };
    switch (fault.kind) {
      case 'refuse':
        request.socket.destroy();
        return;
      case 'error':
        response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, error: { code: fault.code ?? -32000, message: fault.message } }));
        return;
      case 'http':
        response.writeHead(fault.status, { 'content-type': 'text/html' }).end(fault.body);
        return;
      case 'lag':
        response.end(await answerBehind(call, fault.blocks));
        return;
      case 'delay':
        await new Promise((resolve) => setTimeout(resolve, fault.ms));
        response.end(await forward(body));
        return;
      case 'drop-answer':
        await forward(body);
        request.socket.destroy();
        return;
      case 'rewrite':
        response.end(withResult(await forward(body), (result) => fault.change(result, call)));
        return;
      case 'frozen':
        response.end(withResult(await forward(JSON.stringify({ ...call, params: frozenParams(call, fault) })), (result) => frozenResult(result, call, fault.head)));
        return;
      case 'pass':
        response.end(await forward(body));
        return;
      default:
        fault satisfies never;
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    inject(fault, methods) {
      rules = [{ fault, methods: methods ?? null }];
    },
    add(fault, methods) {
      const rule: Rule = { fault, methods: methods ?? null };
      rules = [...rules, rule];
      return () => {
        rules = rules.filter((standing) => standing !== rule);
      };
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
