import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { createRpc, type Contradiction, type RpcPool } from '../activities/chain/rpc.ts';
import type { Database } from '../db/client.ts';
import type { Logger } from '../db/observability/logger.ts';
import { raiseAlert, resolveAlert } from '../db/repositories/operations/alerts.ts';
import type { ChainSettings } from '../domain/settings.ts';

export interface ChainPorts {
  urls: readonly string[];
  settings: ChainSettings;
  db: Database;
  log: Logger;
  registry: Registry;
}

/** The chain's endpoints with their metrics, log lines and alerts. Endpoints are named by number and host: their URLs hold keys. */
export function openChain({ urls, settings, db, log, registry }: ChainPorts): RpcPool {
  const registers = [registry];
  const calls = new Histogram({ name: 'chain_rpc_seconds', help: 'JSON-RPC requests to the chain, checks of endpoints left out', labelNames: ['method', 'outcome'], registers });
  const alone = new Counter({ name: 'chain_reads_alone_total', help: 'Reads that decide money answered by one endpoint of several, because no second one was healthy', labelNames: ['method'], registers });
  const contradictions = new Counter({ name: 'chain_contradictions_total', help: 'Times endpoints contradicted each other', labelNames: ['method'], registers });
  const rpc = createRpc({
    urls,
    chainId: settings.chainId,
    timeoutMs: settings.endpoints.timeoutMs,
    lagBlocksMax: settings.endpoints.lagBlocksMax,
    finality: settings.finality,
    checkEveryMs: 2 * settings.blockTimeMs,
    onCall: (method, outcome, seconds) => calls.observe({ method, outcome }, seconds),
    onAlone: (method) => alone.inc({ method }),
    onCondition: ({ index, host, condition, up }) => log.warn({ endpoint: index, host, condition }, up ? 'a chain endpoint is used again' : 'a chain endpoint is left out'),
    onContradiction: (contradiction) => {
      contradictions.inc({ method: contradiction.method });
      void alert({ db, log, chainId: settings.chainId }, contradiction);
    },
    onSettled: (subject) => {
      resolveAlert(db, 'RPC_CONTRADICTION', subject).catch((error: unknown) => log.error({ error, subject }, 'an alert could not be closed: close it by hand'));
    },
  });
  // oxlint-disable-next-line no-new -- it registers itself, and is read when metrics are asked for
  new Gauge({
    name: 'chain_endpoint_up',
    help: '1 while the endpoint is used, 0 while it is left out',
    labelNames: ['endpoint', 'host'],
    registers,
    collect() {
      for (const { index, host, up } of rpc.reports()) this.set({ endpoint: String(index), host }, up ? 1 : 0);
    },
  });
  return rpc;
}

/** One alert however many workers see the contradiction. The log line comes also when the database cannot take the alert. */
async function alert({ db, log, chainId }: { db: Database; log: Logger; chainId: number }, { subject, method, endpoints, reason }: Contradiction): Promise<void> {
  const fields = { subject, method, endpoints, reason };
  try {
    const opened = await raiseAlert(db, { kind: 'RPC_CONTRADICTION', chainId, subject, detail: { method, endpoints: endpoints.join(', '), reason } });
    if (opened) log.error(fields, 'endpoints of the chain contradict each other');
  } catch (error) {
    log.error({ ...fields, error }, 'endpoints of the chain contradict each other, and the alert could not be stored');
  }
}
