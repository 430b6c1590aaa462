import type { ChainSettings } from '../../../domain/settings.ts';
import { FINAL_BLOCK, type Contradiction, type Contradictions } from './contradictions.ts';
import { createEndpoint } from './endpoint.ts';
import { checkEndpoints } from './health-check.ts';
import { isWrong, newState, report, type EndpointReport, type EndpointState } from './state.ts';

export interface PoolOptions {
  urls: readonly string[];
  chainId: number;
  timeoutMs: number;
  lagBlocksMax: number;
  finality: ChainSettings['finality'];
  checkEveryMs: number;
  contradictions: Contradictions;
  onCondition: (report: EndpointReport) => void;
}

/** The endpoints of one chain: who may be asked now. */
export interface Pool {
  readonly states: readonly EndpointState[];
  /** In the operator's order. */
  healthy(): EndpointState[];
  /** Late, silent or disputed, but not shown to be wrong: asked when no healthy one answers. */
  lastResort(): EndpointState[];
  /**
   * Sees to it that a check is at hand. The first use waits for it; later ones start it and go on, unless the last is more
   * than `intervalsMax` intervals old.
   */
  checked(intervalsMax?: number): Promise<void>;
  /** Checks now, or waits for the check that runs. Nothing to do with one endpoint. */
  checkHealth(): Promise<void>;
  /** Takes endpoints out that contradicted two others. */
  leaveOut(indexes: readonly number[]): void;
  reports(): EndpointReport[];
  contradiction(indexes: readonly number[], rest: Omit<Contradiction, 'endpoints'>): Contradiction;
}

/** An endpoint that contradicted two others is left out for this long. */
const CONTRADICTED_MS = 60_000;

/** Opens no connection by itself. Throws when there is no URL, or one that is none. */
export function createPool(options: PoolOptions): Pool {
  const { urls, chainId, timeoutMs, checkEveryMs, contradictions } = options;
  if (urls.length === 0) throw new Error('No RPC endpoint is given.');
  const states = urls.map((url, index) => newState(createEndpoint({ url, index, chainId, timeoutMs })));
  const lastTold = new Map<number, EndpointReport['condition']>();
  let checkedAt = 0;
  let checking: Promise<void> | null = null;

  const healthy = () => states.filter((state) => report(state).up);
  const lastResort = () => states.filter((state) => !report(state).up && !isWrong(state));
  const reports = () => states.map(report);
  const contradiction: Pool['contradiction'] = (indexes, rest) => ({ ...rest, endpoints: indexes.map((index) => states[index]?.endpoint.name ?? '') });

  function tellConditions(): void {
    for (const current of reports()) {
      if ((lastTold.get(current.index) ?? 'up') !== current.condition) options.onCondition(current);
      lastTold.set(current.index, current.condition);
    }
  }

  async function check(): Promise<void> {
    await checkEndpoints(states, { finality: options.finality, lagBlocksMax: options.lagBlocksMax, insist: healthy().length === 0 });
    checkedAt = Date.now();
    tellConditions();
    const suspects = states.filter(({ suspicion }) => suspicion !== null).map(({ endpoint }) => endpoint.index);
    if (suspects.length === 0) contradictions.settle(FINAL_BLOCK);
    else contradictions.tell(contradiction(suspects, { subject: FINAL_BLOCK, method: 'eth_getBlockByNumber', reason: 'different blocks at a final height' }), true);
  }

  function checkHealth(): Promise<void> {
    if (states.length === 1) return Promise.resolve();
    checking ??= check().finally(() => {
      checking = null;
    });
    return checking;
  }

  return {
    states,
    healthy,
    lastResort,
    checkHealth,
    reports,
    contradiction,
    async checked(intervalsMax = Number.POSITIVE_INFINITY) {
      const age = Date.now() - checkedAt;
      if (states.length === 1 || age <= checkEveryMs) return;
      const running = checkHealth();
      if (checkedAt === 0 || age > checkEveryMs * intervalsMax) await running;
    },
    leaveOut(indexes) {
      for (const index of indexes) {
        const state = states[index];
        if (state) state.contradictedUntil = Date.now() + CONTRADICTED_MS;
      }
      tellConditions();
    },
  };
}
