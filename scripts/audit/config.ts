import { temporalSettingsFrom, type TemporalSettings } from '../../temporal-config/connection.ts';
import { orUsageError, UsageError } from '../command-line/exit-codes.ts';
import { payloadKeysEnv } from '../sandbox/connections.ts';
import { needCredentials } from '../sandbox/need-credentials.ts';
import { defaultStatePaths } from '../stack/paths.ts';

/** Where the log is, and where its anchors are kept. */
export interface AuditConfig {
  readonly databaseUrl: string;
  readonly temporal: TemporalSettings;
}

/**
 * DATABASE_URL and TEMPORAL_ADDRESS, or, where neither is set, the sandbox of this checkout: a log held against another
 * engine's anchors would look forged.
 * @throws UsageError
 */
export function auditConfig(env: NodeJS.ProcessEnv): AuditConfig {
  const { DATABASE_URL: databaseUrl = '', TEMPORAL_ADDRESS: address = '' } = env;
  if (databaseUrl !== '' && address !== '') return { databaseUrl, temporal: orUsageError(() => temporalSettingsFrom(env)) };
  if (databaseUrl !== '' || address !== '') throw new UsageError('set both DATABASE_URL and TEMPORAL_ADDRESS, or neither for the sandbox');
  const sandbox = needCredentials(env, 'DATABASE_URL and TEMPORAL_ADDRESS');
  return { databaseUrl: sandbox.databaseUrl, temporal: temporalSettingsFrom({ TEMPORAL_ADDRESS: sandbox.temporalAddress, ...payloadKeysEnv({ env, paths: defaultStatePaths(env) }) }) };
}
