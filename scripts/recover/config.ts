import { resolve } from 'node:path';
import { commaList } from '../../domain/comma-list.ts';
import type { Settings } from '../../domain/settings.ts';
import { temporalSettingsFrom, type TemporalSettings } from '../../temporal-config/connection.ts';
import { payloadKeysEnv } from '../sandbox/connections.ts';
import { readCredentials } from '../sandbox/credentials.ts';
import { loadSettings } from '../sandbox/load-settings.ts';
import { defaultStatePaths, PROJECT_ROOT } from '../stack/paths.ts';
import { orUserError, UserError } from '../command-line/user-error.ts';

/** Where the four stores are. */
export interface RecoverConfig {
  databaseUrl: string;
  redisUrl: string;
  temporal: TemporalSettings;
  rpcUrls: string[];
  settings: Settings;
}

const VARIABLES = ['DATABASE_URL', 'REDIS_URL', 'TEMPORAL_ADDRESS', 'POLYGON_RPC_URL'] as const;

/**
 * Either the environment names all four stores, or none of them and the sandbox of this checkout is meant. A mixture is
 * refused: books of one place held against the chain of another prove nothing. Throws UserError.
 */
export function recoverConfig(env: NodeJS.ProcessEnv): RecoverConfig {
  const settings = loadSettings(resolve(PROJECT_ROOT, env['SETTINGS_FILE'] || 'docker/settings/sandbox.json'));
  const given = VARIABLES.filter((name) => (env[name] ?? '') !== '');
  const missing = VARIABLES.filter((name) => !given.includes(name));
  if (given.length > 0 && missing.length > 0) throw new UserError(`${missing.join(' and ')} must be set too (or none of ${VARIABLES.join(', ')}, for the sandbox of this checkout).`);
  const [databaseUrl = '', redisUrl = '', temporalAddress = '', rpcUrl = ''] = given.length > 0 ? VARIABLES.map((name) => env[name] ?? '') : sandboxAddresses(env);
  return {
    databaseUrl,
    redisUrl,
    temporal: orUserError(() => temporalSettingsFrom({ ...env, TEMPORAL_ADDRESS: temporalAddress, ...(given.length === 0 && payloadKeysEnv({ env, paths: defaultStatePaths(env) })) })),
    rpcUrls: commaList(rpcUrl),
    settings,
  };
}

function sandboxAddresses(env: NodeJS.ProcessEnv): string[] {
  const { credentialsFile } = defaultStatePaths(env);
  const credentials = readCredentials(credentialsFile);
  if (!credentials) throw new UserError(`No sandbox here: run npm start first, or set ${VARIABLES.join(', ')}.`);
  return [credentials.databaseUrl, credentials.redisUrl, credentials.temporalAddress, credentials.rpcUrl];
}
