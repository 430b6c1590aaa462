import { EngineError } from '../../domain/errors.ts';
import type { ChainSettings } from '../../domain/settings.ts';
import { EndpointError, RpcAnswerError, speaksOfNode } from './rpc/answer.ts';
import { Contradictions, subjectOf, type Contradiction } from './rpc/contradictions.ts';
import { reachedByTwo } from './rpc/health.ts';
import { createPool, type Pool } from './rpc/pool.ts';
import { findAgreement, type Outcome } from './rpc/quorum.ts';
import type { EndpointReport, EndpointState } from './rpc/state.ts';

export { lacksState, RpcAnswerError } from './rpc/answer.ts';
export type { Contradiction } from './rpc/contradictions.ts';
export type { Outcome } from './rpc/quorum.ts';
export type { EndpointReport } from './rpc/state.ts';

/** The chain, through one or several JSON-RPC endpoints. */
export interface Rpc {
  readonly chainId: number;
  /** false with one endpoint: there is nobody to compare it with */
  readonly compares: boolean;
  /**
   * One JSON-RPC call. Asks the healthy endpoints in their order until one answers, the others only after them; each is
   * given `timeoutMs`. An answer that speaks of the node (overloaded, lacks the block) counts as none while another is
   * left. Throws `RpcAnswerError` when a node refused, `CHAIN_UNAVAILABLE` when none answered.
   */
  call<T>(method: string, params: readonly unknown[]): Promise<T>;
  /**
   * A read that decides money: two healthy endpoints must give the same answer, where two are there. Throws
   * `CHAIN_UNAVAILABLE` while they differ or only one of two answers: "not yet", never a guess. Fit for what is pinned
   * to a block or a hash; what moves with the head differs by a block without anybody being wrong.
   * @param pick what must be the same, where clients add fields of their own; not asked for null
   */
  agree<T>(method: string, params: readonly unknown[], pick?: (result: T) => unknown): Promise<T>;
  /**
   * A number that only grows (head, final block, transaction count), as two healthy endpoints have reached it: of
   * two answers the lower, of three the middle one. Null when too few can say ("not yet"). Throws `CHAIN_UNAVAILABLE`
   * when no healthy endpoint is there; with one endpoint configured, whatever `call` throws.
   */
  reached(method: string, params: readonly unknown[], toNumber: (result: unknown) => number | null): Promise<number | null>;
  /** Hands one call to up to three endpoints at once, and gives what each made of it. Never throws. */
  callSeveral<T>(method: string, params: readonly unknown[]): Promise<Outcome<T>[]>;
  /** Calls a person: these endpoints, by their index, contradict each other. */
  alarm(endpoints: readonly number[], contradiction: Omit<Contradiction, 'endpoints'>): void;
}

export interface RpcPool extends Rpc {
  /** Checks all endpoints now, or waits for the check that runs. Otherwise checks happen by themselves while the pool is used. */
  checkHealth(): Promise<void>;
  /** How each endpoint stands, without asking any. */
  reports(): EndpointReport[];
}

export interface RpcOptions {
  urls: readonly string[];
  chainId: number;
  /** of one request; 10 s unless given */
  timeoutMs?: number;
  /** an endpoint more than this many blocks behind the best head is left out; 5 unless given */
  lagBlocksMax?: number;
  /** the `finalized` tag unless given */
  finality?: ChainSettings['finality'];
  /** how old the last check may be while the pool is used; 4 s unless given */
  checkEveryMs?: number;
  /** told of every request made for a caller, for metrics */
  onCall?: (method: string, outcome: 'ok' | 'error' | 'unavailable', seconds: number) => void;
  /** told once while it lasts */
  onContradiction?: (contradiction: Contradiction) => void;
  /** endpoints that contradicted each other about this agree again */
  onSettled?: (subject: string) => void;
  /** one endpoint alone decided about money, because no second one is healthy */
  onAlone?: (method: string) => void;
  /** an endpoint is left out, for another reason, or used again */
  onCondition?: (report: EndpointReport) => void;
}

/** A send goes to this many at most. */
const SEVERAL = 3;
/** A check older than this many intervals is waited for before money is decided. */
const STALE_INTERVALS = 5;

/**
 * A pool of JSON-RPC endpoints of one chain. One that serves another chain is never used; one that lags, is on another
 * fork, lies or does not answer is left out until a check finds it well again. With one endpoint there is nobody to compare
 * it with: it is asked, and its word is taken.
 */
export function createRpc(options: RpcOptions): RpcPool {
  const { urls, chainId, timeoutMs = 10_000, lagBlocksMax = 5, finality = { mode: 'tag', depth: 1 }, checkEveryMs = 4_000, onAlone = () => undefined, onCondition = () => undefined } = options;
  const contradictions = new Contradictions(options);
  const pool = createPool({ urls, chainId, timeoutMs, lagBlocksMax, finality, checkEveryMs, contradictions, onCondition });
  const compares = urls.length > 1;

  async function ask<T>({ endpoint }: EndpointState, method: string, params: readonly unknown[], insist = false): Promise<Outcome<T>> {
    const started = performance.now();
    const done = (outcome: 'ok' | 'error' | 'unavailable') => options.onCall?.(method, outcome, (performance.now() - started) / 1000);
    try {
      const result = await endpoint.ask<T>(method, params, insist);
      done('ok');
      return { endpoint: endpoint.index, result };
    } catch (error) {
      if (!(error instanceof RpcAnswerError) && !(error instanceof EndpointError)) throw error;
      done(error instanceof RpcAnswerError ? 'error' : 'unavailable');
      return { endpoint: endpoint.index, error };
    }
  }

  async function call<T>(method: string, params: readonly unknown[]): Promise<T> {
    await pool.checked();
    const candidates = [...pool.healthy().map((state) => ({ state, insist: !compares })), ...pool.lastResort().map((state) => ({ state, insist: true }))];
    const failures: (RpcAnswerError | EndpointError)[] = [];
    for (const { state, insist } of candidates) {
      const outcome = await ask<T>(state, method, params, insist);
      if ('result' in outcome) return outcome.result;
      if (outcome.error instanceof RpcAnswerError && !speaksOfNode(outcome.error)) throw outcome.error;
      failures.push(outcome.error);
    }
    // What a node says of itself says more than that another one is away.
    throw failures.find((error) => error instanceof RpcAnswerError) ?? unavailable(pool, method, failures.at(-1));
  }

  /** Those whose word decides money. */
  async function trusted(method: string): Promise<EndpointState[]> {
    await pool.checked(STALE_INTERVALS);
    if (pool.healthy().length === 0) await pool.checkHealth();
    const states = pool.healthy();
    if (states.length === 0) throw unavailable(pool, method);
    if (states.length === 1) onAlone(method);
    return states;
  }

  async function agree<T>(method: string, params: readonly unknown[], pick: (result: T) => unknown = (result) => result): Promise<T> {
    if (!compares) return call(method, params);
    const states = await trusted(method);
    const outcomes = await Promise.all(states.slice(0, 2).map((state) => ask<T>(state, method, params)));
    let agreement = findAgreement(outcomes, pick, states.length);
    for (const state of states.slice(2)) {
      if (agreement.kind === 'agreed' || agreement.kind === 'refused') break;
      outcomes.push(await ask<T>(state, method, params));
      agreement = findAgreement(outcomes, pick, states.length);
    }
    const subject = subjectOf(method, params);
    switch (agreement.kind) {
      case 'agreed':
        if (agreement.liars.length === 0) contradictions.settle(subject);
        else {
          pool.leaveOut(agreement.liars);
          contradictions.tell(pool.contradiction(agreement.liars, { subject, method, reason: 'two others agree on another answer' }), true);
        }
        return agreement.result;
      case 'refused':
        throw agreement.error;
      case 'contradiction':
        contradictions.tell(pool.contradiction(agreement.endpoints, { subject, method, reason: 'different answers' }), true);
        throw unavailable(pool, method, undefined, 'endpoints contradict each other');
      case 'open':
        throw unavailable(pool, method, agreement.error ?? undefined, agreement.error ? `an endpoint that has to agree did not answer: ${agreement.error.message}` : 'endpoints do not agree yet');
      default:
        return agreement satisfies never;
    }
  }

  async function reached(method: string, params: readonly unknown[], toNumber: (result: unknown) => number | null): Promise<number | null> {
    if (!compares) return toNumber(await call<unknown>(method, params));
    const states = (await trusted(method)).slice(0, SEVERAL);
    const outcomes = await Promise.all(states.map((state) => ask<unknown>(state, method, params)));
    const numbers = outcomes.flatMap((outcome) => ('error' in outcome ? [] : (toNumber(outcome.result) ?? []))).filter((number) => Number.isSafeInteger(number));
    return numbers.length < Math.min(2, states.length) ? null : reachedByTwo(numbers);
  }

  async function callSeveral<T>(method: string, params: readonly unknown[]): Promise<Outcome<T>[]> {
    await pool.checked();
    const healthy = pool.healthy();
    const states = (healthy.length > 0 ? healthy : pool.lastResort()).slice(0, SEVERAL);
    return Promise.all(states.map((state) => ask<T>(state, method, params, !compares || healthy.length === 0)));
  }

  return {
    chainId,
    compares,
    call,
    agree,
    reached,
    callSeveral,
    alarm: (endpoints, contradiction) => contradictions.tell(pool.contradiction(endpoints, contradiction), false),
    checkHealth: () => pool.checkHealth(),
    reports: () => pool.reports(),
  };
}

function unavailable(pool: Pool, method: string, cause?: Error, reason = cause?.message): EngineError {
  const states = pool.reports().map(({ index, host, condition }) => `endpoint ${index + 1} (${host}) is ${condition}`);
  return new EngineError('CHAIN_UNAVAILABLE', { method, reason: reason ?? `no endpoint can be used: ${states.join(', ')}` }, cause && { cause });
}
