import type { Connections } from '../../scripts/sandbox/connections.ts';
import { startRpcProxy, type RpcProxy } from '../harness/rpc-proxy.ts';
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts';
import type { ProxyTarget } from './plan.ts';

/** Everything the roles reach their parts through, and the load generator the API. */
export interface FaultProxies {
  readonly tcp: ReadonlyMap<ProxyTarget, TcpProxy>;
  /** two endpoints of one chain, so that one may fail while the other lives */
  readonly rpc: readonly RpcProxy[];
  /** lets everything pass */
  heal(): void;
  stop(): Promise<void>;
}

const RPC_ENDPOINTS = 2;

/** Starts a proxy before every part, and says where the roles find them. */
export async function startProxies(connections: Connections, apiPort: number): Promise<{ proxies: FaultProxies; reached: Connections }> {
  const databaseUrl = new URL(connections.databaseUrl);
  const redisUrl = new URL(connections.redisUrl);
  const awsUrl = new URL(connections.awsEndpointUrl ?? '');
  const ports: [ProxyTarget, number][] = [
    ['mysql', Number(databaseUrl.port)],
    ['redis', Number(redisUrl.port)],
    ['temporal', Number(connections.temporalAddress.split(':').at(-1))],
    ['aws', Number(awsUrl.port)],
    ['api', apiPort],
  ];
  const started = await Promise.all(ports.map(async ([target, port]) => [target, await startTcpProxy(port)] as const));
  const tcp = new Map<ProxyTarget, TcpProxy>(started);
  const rpc = await Promise.all(Array.from({ length: RPC_ENDPOINTS }, async () => await startRpcProxy(connections.rpcUrl)));
  databaseUrl.port = String(proxyOf(tcp, 'mysql').port);
  redisUrl.port = String(proxyOf(tcp, 'redis').port);
  awsUrl.port = String(proxyOf(tcp, 'aws').port);
  return {
    proxies: {
      tcp,
      rpc,
      heal() {
        for (const proxy of tcp.values()) proxy.inject({ kind: 'pass' });
        for (const proxy of rpc) proxy.inject({ kind: 'pass' });
      },
      async stop() {
        await Promise.all([...tcp.values(), ...rpc].map(async (proxy) => await proxy.stop()));
      },
    },
    reached: {
      ...connections,
      databaseUrl: databaseUrl.href,
      redisUrl: redisUrl.href,
      awsEndpointUrl: awsUrl.origin,
      temporalAddress: proxyOf(tcp, 'temporal').address,
      rpcUrl: rpc.map(({ url }) => url).join(','),
    },
  };
}

export function proxyOf(tcp: ReadonlyMap<ProxyTarget, TcpProxy>, target: ProxyTarget): TcpProxy {
  const proxy = tcp.get(target);
  if (!proxy) throw new Error(`there is no proxy before ${target}`);
  return proxy;
}
