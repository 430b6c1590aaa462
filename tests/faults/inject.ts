import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { ChildName } from '../../scripts/stack/privileges.ts';
import { signalProcess, type ProcessIdentity } from '../../scripts/stack/process-identity.ts';
import type { Fault } from '../harness/rpc-proxy.ts';
import type { TcpFault } from '../harness/tcp-proxy.ts';
import type { ChainActs } from './chain-acts.ts';
import type { Load } from './load.ts';
import type { PlannedFault, ProxyTarget } from './plan.ts';
import { proxyOf, type FaultProxies } from './proxies.ts';
import type { TemporalActs } from './temporal-acts.ts';

export interface InjectorPorts {
  proxies: FaultProxies;
  chain: ChainActs;
  temporal: TemporalActs;
  load: Load;
  /** reached directly */
  redisUrl: string;
  wallets: readonly string[];
  processOf(child: ChildName): ProcessIdentity | undefined;
  /** accepted withdrawals that have not ended, and those that completed, by the books */
  withdrawals(): Promise<{ open: string[]; completed: string[] }>;
}

export interface Injected {
  fault: PlannedFault;
  /** what was done, or why it could not be */
  detail: string;
  done: boolean;
}

export interface Injector {
  /** Does one fault and resolves when it is over. Never throws: what could not be done is told. */
  inject(fault: PlannedFault): Promise<Injected>;
  /** Ends every fault that still stands, and lets everything pass. */
  heal(): Promise<void>;
  /** faults that stand at this moment */
  readonly standing: ReadonlySet<string>;
}

/** Texts a node or a gateway in front of it really says; all of them mean "not now". */
const BUSY_ANSWERS = ['header not found', 'txpool is full', 'too many requests', 'service temporarily unavailable'];
const SEND = ['eth_sendRawTransaction'];
const CHOICE_MS_MAX = 25_000;
const CHOICE_POLL_MS = 500;

export function createInjector(ports: InjectorPorts): Injector {
  const healing = new AbortController();
  const standing = new Set<string>();
  const open = new Set<Promise<unknown>>();
  /** faults of one TCP proxy, newest last: when one ends, the one below it holds again */
  const stacks = new Map<ProxyTarget, TcpFault[]>();

  const wait = async (ms: number): Promise<void> => {
    await sleep(ms, undefined, { signal: healing.signal }).catch(() => undefined);
  };

  async function throughTcp(target: ProxyTarget, tcpFault: TcpFault, durationMs: number): Promise<string> {
    const proxy = proxyOf(ports.proxies.tcp, target);
    const stack = stacks.get(target) ?? [];
    stacks.set(target, stack);
    stack.push(tcpFault);
    proxy.inject(tcpFault);
    await wait(durationMs);
    stack.splice(stack.indexOf(tcpFault), 1);
    proxy.inject(stack.at(-1) ?? { kind: 'pass' });
    return `${durationMs} ms`;
  }

  async function throughRpc(endpoint: string, fault: Fault, durationMs: number, methods?: readonly string[]): Promise<string> {
    const lifts = ports.proxies.rpc.flatMap((proxy, index) => (endpoint === 'both' || endpoint === String(index) ? [proxy.add(fault, methods)] : []));
    await wait(durationMs);
    for (const lift of lifts) lift();
    return `${durationMs} ms`;
  }

  function processOf(child: string): ProcessIdentity {
    const identity = ports.processOf(child as ChildName);
    if (!identity) throw new Error('it is not running at this moment');
    return identity;
  }

  function kill(child: string): string {
    const identity = processOf(child);
    if (!signalProcess(identity, 'SIGKILL')) throw new Error('it had just ended');
    return `process ${identity.pid}`;
  }

  async function freeze(role: string, durationMs: number): Promise<string> {
    const identity = processOf(role);
    if (!signalProcess(identity, 'SIGSTOP')) throw new Error('it had just ended');
    await wait(durationMs);
    signalProcess(identity, 'SIGCONT');
    return `process ${identity.pid}, ${durationMs} ms`;
  }

  /** Early in a run nothing has completed yet: it waits a while for one. */
  async function chosen(among: 'open' | 'completed' | 'any', pick: number): Promise<string> {
    const deadline = Date.now() + CHOICE_MS_MAX;
    for (;;) {
      const { open: running, completed } = await ports.withdrawals();
      const candidates = { open: running, completed, any: [...running, ...completed] }[among];
      const requestId = candidates[pick % Math.max(1, candidates.length)];
      if (requestId !== undefined) return requestId;
      if (healing.signal.aborted || Date.now() > deadline) throw new Error('there is no such withdrawal yet');
      await wait(CHOICE_POLL_MS);
    }
  }

  async function flush(): Promise<string> {
    const redis = new Redis(ports.redisUrl, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
    // Reported by the command that fails.
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return await redis.flushall();
    } finally {
      redis.disconnect();
    }
  }

  async function drain(walletIndex: string, durationMs: number): Promise<string> {
    const wallet = walletAt(Number(walletIndex));
    const { refill } = await ports.chain.drain(wallet);
    await wait(durationMs);
    await refill();
    return `${wallet}, ${durationMs} ms`;
  }

  function walletAt(index: number): string {
    const wallet = ports.wallets[index % ports.wallets.length];
    if (wallet === undefined) throw new Error('there are no wallets');
    return wallet;
  }

  async function act(fault: PlannedFault): Promise<string> {
    const { kind, target, durationMs, amount, pick } = fault;
    const service = target as ProxyTarget;
    switch (kind) {
      case 'kill-role':
      case 'kill-part':
        return kill(target);
      case 'freeze-role':
        return freeze(target, durationMs);
      case 'cut':
      case 'stall':
        return throughTcp(service, { kind }, durationMs);
      case 'swallow':
      case 'black-hole':
        return throughTcp(service, { kind: 'swallow', forGood: kind === 'black-hole' }, durationMs);
      case 'latency':
        return throughTcp(service, { kind, ms: amount }, durationMs);
      case 'reset':
        return throughTcp(service, { kind, afterBytes: amount }, durationMs);
      case 'rpc-refuse':
        return throughRpc(target, { kind: 'refuse' }, durationMs);
      case 'rpc-delay':
        return throughRpc(target, { kind: 'delay', ms: amount }, durationMs);
      case 'rpc-error':
        return throughRpc(target, { kind: 'error', message: BUSY_ANSWERS[pick % BUSY_ANSWERS.length] ?? 'busy' }, durationMs);
      case 'rpc-429':
        return throughRpc(target, { kind: 'http', status: 429, body: 'Too Many Requests' }, durationMs);
      case 'rpc-503':
        return throughRpc(target, { kind: 'http', status: 503, body: '<html>Service Unavailable</html>' }, durationMs);
      case 'rpc-drop-answer':
        return throughRpc(target, { kind: 'drop-answer' }, durationMs, SEND);
      case 'rpc-lag':
        return throughRpc(target, { kind: 'lag', blocks: amount }, durationMs);
      case 'repeat-posts':
        await ports.load.repeat(amount, pick);
        return `${amount} keys, three times at once`;
      case 'start-again':
        return ports.temporal.startAgain(await chosen('any', pick), 'itself');
      case 'second-workflow':
        return ports.temporal.startAgain(await chosen('open', pick), 'second');
      case 'terminate': {
        const requestId = await chosen('open', pick);
        await ports.temporal.terminate(requestId);
        return requestId;
      }
      case 'reset-running':
      case 'reset-completed': {
        const requestId = await chosen(kind === 'reset-running' ? 'open' : 'completed', pick);
        return `${requestId} ${await ports.temporal.reset(requestId, pick)}`;
      }
      case 'reorg':
        return ports.chain.reorg(amount);
      case 'fee-spike':
        await ports.chain.feeSpike(amount, AbortSignal.any([healing.signal, AbortSignal.timeout(durationMs)]));
        return `${amount} gwei, ${durationMs} ms`;
      case 'drain-gas':
        return drain(target, durationMs);
      case 'redis-flush':
        return flush();
      case 'foreign-transaction':
        return ports.chain.sendForeign(walletAt(Number(target)), amount === 0 ? 'next' : 'behind');
      default:
        return kind satisfies never;
    }
  }

  return {
    standing,
    async inject(fault) {
      const name = `${fault.kind}${fault.target === '' ? '' : ` ${fault.target}`}`;
      standing.add(name);
      const acting = act(fault);
      open.add(acting);
      try {
        return { fault, done: true, detail: await acting };
      } catch (error) {
        return { fault, done: false, detail: error instanceof Error ? error.message : String(error) };
      } finally {
        open.delete(acting);
        standing.delete(name);
      }
    },
    async heal() {
      healing.abort();
      await Promise.allSettled(open);
      ports.proxies.heal();
    },
  };
}
