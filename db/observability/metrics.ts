import { collectDefaultMetrics, Registry } from 'prom-client';

/**
 * A registry of a process's own metrics, with Node's default ones, every series labelled with the service. Called twice
 * it makes two: tests run several apps in one process.
 */
export function createMetricsRegistry(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}
