import { EngineError } from '../../domain/errors.ts';

/** The node answered, and its answer is an error. `message` is the node's own text. */
export class RpcAnswerError extends Error {
  readonly rpcCode: number;
  readonly data: unknown;
  constructor(method: string, answer: { code: number; message: string; data?: unknown }) {
    super(answer.message);
    this.name = 'RpcAnswerError';
    this.rpcCode = answer.code;
    this.data = answer.data;
    this.method = method;
  }
  readonly method: string;
}

export interface Rpc {
  readonly chainId: number;
  /**
   * One JSON-RPC call. Asks the endpoints in their order until one answers; each is given `timeoutMs`.
   * Throws `RpcAnswerError` when a node refused, `CHAIN_UNAVAILABLE` when none answered: for a send that means unknown,
   * not failed.
   */
  call<T>(method: string, params: readonly unknown[]): Promise<T>;
  /**
   * A read that decides money: two healthy endpoints must give the same answer, where two are there. Throws
   * `CHAIN_UNAVAILABLE` while they differ: "not yet", never a guess.
   */
  agree<T>(method: string, params: readonly unknown[]): Promise<T>;
}

export interface RpcOptions {
  urls: readonly string[];
  chainId: number;
  timeoutMs?: number;
  /** told of every call, for metrics */
  onCall?: (method: string, outcome: 'ok' | 'error' | 'unavailable', seconds: number) => void;
}

interface JsonRpcAnswer<T> {
  result?: T;
  error?: { code: number; message: string; data?: unknown };
}

/** A pool of JSON-RPC endpoints of one chain. An endpoint of another chain is never used. */
export function createRpc(options: RpcOptions): Rpc {
  const { urls, chainId, timeoutMs = 10_000 } = options;
  const verified = new Set<string>();
  let nextId = 1;

  async function post<T>(url: string, method: string, params: readonly unknown[]): Promise<T> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: nextId++, method, params }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    const answer = parseAnswer<T>(text, response.status);
    if (answer.error) throw new RpcAnswerError(method, answer.error);
    if (answer.result === undefined) throw new Error(`bad response: HTTP ${response.status} without a result`);
    return answer.result;
  }

  async function verify(url: string): Promise<void> {
    if (verified.has(url)) return;
    const answered = Number(await post<string>(url, 'eth_chainId', []));
    if (answered !== chainId) throw new Error(`an RPC endpoint serves chain ${answered}, not ${chainId}`);
    verified.add(url);
  }

  const rpc: Rpc = {
    chainId,
    agree: (method, params) => rpc.call(method, params),
    async call<T>(method: string, params: readonly unknown[]): Promise<T> {
      const started = performance.now();
      const seconds = () => (performance.now() - started) / 1000;
      const failures: unknown[] = [];
      for (const url of urls) {
        try {
          await verify(url);
          const result = await post<T>(url, method, params);
          options.onCall?.(method, 'ok', seconds());
          return result;
        } catch (error) {
          if (error instanceof RpcAnswerError && error.method === method) {
            options.onCall?.(method, 'error', seconds());
            throw error;
          }
          failures.push(error);
        }
      }
      options.onCall?.(method, 'unavailable', seconds());
      throw new EngineError('CHAIN_UNAVAILABLE', { method, reason: String(failures.at(-1)) }, { cause: failures.at(-1) });
    },
  };
  return rpc;
}

function parseAnswer<T>(text: string, httpStatus: number): JsonRpcAnswer<T> {
  try {
    return JSON.parse(text) as JsonRpcAnswer<T>;
  } catch (error) {
    throw new Error(`bad response: HTTP ${httpStatus}, not JSON`, { cause: error });
  }
}
