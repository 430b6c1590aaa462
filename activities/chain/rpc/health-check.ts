import type { ChainSettings } from '../../../domain/settings.ts';
import { EndpointError, RpcAnswerError } from './answer.ts';
import type { Endpoint } from './endpoint.ts';
import { commonFinalHeight, judge, type Observation } from './health.ts';
import type { EndpointState } from './state.ts';

interface CheckOptions {
  finality: ChainSettings['finality'];
  lagBlocksMax: number;
  /** ask also those whose circuit is open */
  insist: boolean;
}

type RawBlock = { number?: unknown; hash?: unknown } | null;

/** A block number as an endpoint gives it; null for what is none. */
function blockNumber(value: unknown): number | null {
  return typeof value === 'string' && /^0x[0-9a-f]{1,13}$/i.test(value) ? Number(value) : null;
}

/** Asks all endpoints for chain id, head and finality, then for one block they all call final, and judges them. Never throws. */
export async function checkEndpoints(states: readonly EndpointState[], options: CheckOptions): Promise<void> {
  const seen = await Promise.all(states.map((state) => observe(state, options)));
  const height = commonFinalHeight(seen);
  if (height !== null) {
    await Promise.all(
      states.map(async ({ endpoint }, index) => {
        const own = seen[index];
        if (own && own.reachable && own.rightChain) own.finalHash = await readHash(endpoint, height);
      }),
    );
  }
  for (const [index, { condition, suspicion }] of judge(seen, options.lagBlocksMax).entries()) {
    const state = states[index];
    const own = seen[index];
    if (!state || !own) continue;
    state.condition = condition;
    state.suspicion = suspicion;
    if (condition === 'up' && own.finalized !== null) state.finalizedHighest = Math.max(own.finalized, state.finalizedHighest ?? 0);
  }
}

async function observe({ endpoint, suspicion, finalizedHighest }: EndpointState, { finality, insist }: CheckOptions): Promise<Observation> {
  const observation: Observation = { reachable: false, rightChain: true, head: null, finalized: null, finalizedBefore: finality.mode === 'tag' ? finalizedHighest : null, finalHash: null, suspicion };
  try {
    observation.rightChain = await endpoint.verify(insist);
    if (!observation.rightChain) return observation;
    const [head, finalized] = await Promise.all([endpoint.ask<unknown>('eth_blockNumber', []).then(blockNumber), finality.mode === 'tag' ? readFinalized(endpoint) : null]);
    observation.head = head;
    observation.finalized = finality.mode === 'tag' || head === null ? finalized : Math.max(0, head - finality.depth);
    observation.reachable = true;
  } catch (error) {
    // No answer is the observation: the condition tells of it.
    if (!(error instanceof EndpointError) && !(error instanceof RpcAnswerError)) throw error;
  }
  return observation;
}

/** Null when the endpoint cannot say now: some nodes answer with an error while finality stalls. */
async function readFinalized(endpoint: Endpoint): Promise<number | null> {
  const block = await endpoint.ask<RawBlock>('eth_getBlockByNumber', ['finalized', false]).catch(() => null);
  return blockNumber(block?.number);
}

async function readHash(endpoint: Endpoint, height: number): Promise<string | null> {
  const block = await endpoint.ask<RawBlock>('eth_getBlockByNumber', [`0x${height.toString(16)}`, false]).catch(() => null);
  return typeof block?.hash === 'string' ? block.hash.toLowerCase() : null;
}
