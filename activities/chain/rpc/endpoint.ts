import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, ExponentialBackoff, circuitBreaker, handleAll, type CircuitBreakerPolicy } from 'cockatiel';
import { EndpointError, isOverloaded, parseAnswer, RpcAnswerError, type JsonRpcAnswer } from './answer.ts';
import { parseEndpointUrl } from './endpoint-url.ts';

/** This many failures in a row open the circuit. */
const FAILURES_IN_A_ROW = 3;
/** An open circuit is probed after this long, twice as long after each failed probe, with jitter. */
const PROBE_AFTER_MS = 500;
const PROBE_AFTER_MS_MAX = 10_000;

/** One JSON-RPC endpoint of one chain behind a circuit breaker. */
export interface Endpoint {
  readonly index: number;
  /** host and port; never the URL, which may hold a key */
  readonly host: string;
  /** for texts: number and host */
  readonly name: string;
  /** false while it is left alone after failures in a row */
  readonly circuitClosed: boolean;
  /**
   * One call. The chain id is verified before the first. Throws `RpcAnswerError` when the node refused, `EndpointError`
   * when it did not answer in time, serves another chain, or its circuit is open and `insist` was not given.
   */
  ask<T>(method: string, params: readonly unknown[], insist?: boolean): Promise<T>;
  /** Asks for the chain id again. False when it serves another chain. Throws as `ask` does. */
  verify(insist?: boolean): Promise<boolean>;
}

let nextId = 1;

/** Opens no connection by itself. Throws when `url` is none. */
export function createEndpoint(options: { url: string; index: number; chainId: number; timeoutMs: number }): Endpoint {
  const { index, chainId, timeoutMs } = options;
  const url = parseEndpointUrl(options.url, index);
  const name = `endpoint ${index + 1} (${url.host})`;
  let circuit = newCircuit();
  let verifying: Promise<void> | null = null;
  let verified = false;
  let servesChain: number | null = null;

  function newCircuit(): CircuitBreakerPolicy {
    const policy = circuitBreaker(handleAll, {
      halfOpenAfter: new ExponentialBackoff({ initialDelay: PROBE_AFTER_MS, maxDelay: PROBE_AFTER_MS_MAX }),
      breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW),
    });
    // What comes back after an outage may be another node.
    policy.onBreak(() => {
      verified = false;
    });
    return policy;
  }

  /** An overloaded node throws, and so counts as a failure. Any other answer, also an error, shows a node that works. */
  async function post(method: string, params: readonly unknown[]): Promise<JsonRpcAnswer & { httpStatus: number }> {
    const { status, text } = await fetchText(JSON.stringify({ jsonrpc: '2.0', id: nextId++, method, params }));
    const answer = parseAnswer(text, status);
    if (answer.error) {
      const error = toError(method, answer.error, status);
      if (isOverloaded(error)) throw error;
    }
    return { ...answer, httpStatus: status };
  }

  async function fetchText(body: string): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(url.href, { method: 'POST', headers: { 'content-type': 'application/json', ...url.headers }, body, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      // The cause is told, not kept: it can hold the URL.
      throw new EndpointError(url.redact(describe(error)));
    }
  }

  function toError(method: string, error: NonNullable<JsonRpcAnswer['error']>, httpStatus: number): RpcAnswerError {
    return new RpcAnswerError(method, { ...error, message: url.redact(error.message) }, httpStatus);
  }

  /** Through the circuit, or past it where `insist` says so; an answer then closes it. */
  async function guarded(method: string, params: readonly unknown[], insist: boolean): Promise<unknown> {
    const answer = await (insist && circuit.state !== CircuitState.Closed ? forced(method, params) : circuit.execute(() => post(method, params))).catch((error: unknown) => {
      if (error instanceof RpcAnswerError) throw error;
      if (error instanceof BrokenCircuitError) throw new EndpointError(`${name}: left alone after failures in a row`);
      throw new EndpointError(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (answer.error) throw toError(method, answer.error, answer.httpStatus);
    return answer.result;
  }

  async function forced(method: string, params: readonly unknown[]): Promise<JsonRpcAnswer & { httpStatus: number }> {
    const answer = await post(method, params);
    circuit = newCircuit();
    return answer;
  }

  async function askChainId(insist: boolean): Promise<void> {
    try {
      servesChain = Number(await guarded('eth_chainId', [], insist));
      verified = servesChain === chainId;
    } catch (error) {
      // An error about the chain id is no answer to what the caller asked.
      throw error instanceof RpcAnswerError ? new EndpointError(`${name}: eth_chainId: ${error.message}`) : error;
    } finally {
      verifying = null;
    }
  }

  async function verify(insist = false): Promise<boolean> {
    await (verifying ??= askChainId(insist));
    return verified;
  }

  return {
    index,
    host: url.host,
    name,
    get circuitClosed() {
      return circuit.state === CircuitState.Closed;
    },
    verify,
    async ask<T>(method: string, params: readonly unknown[], insist = false): Promise<T> {
      if (!verified && !(await verify(insist))) throw new EndpointError(`${name}: serves chain ${servesChain}, not ${chainId}`);
      return (await guarded(method, params, insist)) as T;
    },
  };
}

/** The text of a failed fetch with its cause: `fetch failed` alone says nothing. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message || cause.name}` : error.message;
}
