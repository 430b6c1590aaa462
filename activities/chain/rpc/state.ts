import type { Endpoint } from './endpoint.ts';
import type { Condition, Suspicion } from './health.ts';

/** What is known of an endpoint. */
export interface EndpointState {
  readonly endpoint: Endpoint;
  /** by the last check; `unknown` before the first */
  condition: Condition | 'unknown';
  suspicion: Suspicion | null;
  /** it contradicted two others: left out until then, milliseconds since 1970 */
  contradictedUntil: number;
  /** the highest block it ever called final */
  finalizedHighest: number | null;
}

export interface EndpointReport {
  index: number;
  host: string;
  /** beside those of a check: `contradicted` two others' answer, `resting` while its circuit is open */
  condition: EndpointState['condition'] | 'contradicted' | 'resting';
  /** false while it is left out */
  up: boolean;
}

/** An endpoint nobody has asked yet. */
export function newState(endpoint: Endpoint): EndpointState {
  return { endpoint, condition: 'unknown', suspicion: null, contradictedUntil: 0, finalizedHighest: null };
}

/** How an endpoint stands now, between checks too. */
export function report({ endpoint, condition: checked, contradictedUntil }: EndpointState): EndpointReport {
  const { index, host } = endpoint;
  if (checked !== 'up' && checked !== 'unknown') return { index, host, condition: checked, up: false };
  if (contradictedUntil > Date.now()) return { index, host, condition: 'contradicted', up: false };
  return endpoint.circuitClosed ? { index, host, condition: checked, up: true } : { index, host, condition: 'resting', up: false };
}

/** Shown to be wrong, not merely late or silent: not asked even when nobody else answers. */
export function isWrong({ condition, suspicion, contradictedUntil }: EndpointState): boolean {
  return condition === 'wrong-chain' || suspicion === 'forked' || contradictedUntil > Date.now();
}
