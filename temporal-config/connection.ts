/** How a process reaches Temporal. */
export interface TemporalSettings {
  /** host:port of the frontend service */
  address: string;
  namespace: string;
}

/** Reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (default `default`). Throws one line when the address is missing. */
export function temporalSettingsFrom(env: NodeJS.ProcessEnv): TemporalSettings {
  const address = env['TEMPORAL_ADDRESS'];
  if (!address) throw new Error('TEMPORAL_ADDRESS is not set: give host:port of the Temporal frontend.');
  return { address, namespace: env['TEMPORAL_NAMESPACE'] ?? 'default' };
}
