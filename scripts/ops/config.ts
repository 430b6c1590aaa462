import { dataConverterFrom } from '../../temporal-config/data-converter.ts';
import { apiKeyFrom } from '../../temporal-config/api-key.ts';
import type { DataConverter } from '@temporalio/common';
import { OpsError } from '../../temporal-config/ops/ops-error.ts';
import type { Operator } from '../../temporal-config/ops/operator-api.ts';
import type { TemporalProgram } from '../../temporal-config/ops/temporal-cli.ts';
import { readCredentials, type Credentials } from '../sandbox/credentials.ts';
import { minimalEnv } from '../stack/child-spec.ts';
import { defaultStatePaths, type StatePaths } from '../stack/paths.ts';
import { ensureSecrets } from '../stack/secrets.ts';
import { findTemporal } from '../stack/temporal.ts';
import { oneLine } from '../command-line/user-error.ts';

/** Where the operators' commands work. Each part is looked for when a command needs it; all throw `OpsError`. */
export interface OpsConfig {
  readonly temporal: () => TemporalProgram;
  readonly api: () => { readonly url: string; readonly operator: Operator };
  readonly payloads: () => DataConverter;
}

/** With one of these the environment says everything; without any the sandbox of this checkout is meant. */
const TEMPORAL_PLACES = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'] as const;
const ACCOUNTS = ['admin', 'approver'] as const;

/**
 * The environment's own engine, or the sandbox of this checkout and its accounts: never the one's Temporal with the other's API.
 * @param as whose word it is in the sandbox
 */
export function opsConfig(env: NodeJS.ProcessEnv, as: string | undefined): OpsConfig {
  const hasTemporal = TEMPORAL_PLACES.some((name) => env[name]);
  return hasTemporal || env['API_URL'] ? ownConfig(env, as, hasTemporal) : sandboxConfig(env, as);
}

function ownConfig(env: NodeJS.ProcessEnv, as: string | undefined, hasTemporal: boolean): OpsConfig {
  if (as !== undefined) throw new OpsError('usage', '--as names an account of the sandbox; elsewhere sign in by API_TOKEN');
  return {
    temporal() {
      // Without a word it would be whatever listens on this machine.
      if (!hasTemporal) throw new OpsError('usage', 'API_URL is set, but not where Temporal is: set TEMPORAL_ADDRESS too');
      return { binary: binaryOf(env), env: { ...env, ...said(() => apiKeyVariable(env)) } };
    },
    api() {
      const token = env['API_TOKEN'];
      if (!token) throw new OpsError('usage', 'this asks the API: set API_TOKEN to an access token (POST /auth/login) and API_URL to where it is');
      return { url: env['API_URL'] || 'http://127.0.0.1:3000', operator: { token } };
    },
    payloads: () => said(() => dataConverterFrom(env)),
  };
}

function sandboxConfig(env: NodeJS.ProcessEnv, as: string | undefined): OpsConfig {
  const paths = defaultStatePaths(env);
  const account = ACCOUNTS.find((name) => name === (as ?? 'admin'));
  if (!account) throw new OpsError('usage', `--as is one of ${ACCOUNTS.join(', ')}`);
  const token = env['API_TOKEN'];
  if (token && as !== undefined) throw new OpsError('usage', 'API_TOKEN is set, which says whose word it is: leave it or --as out');
  return {
    temporal: () => ({
      binary: binaryOf(env),
      // A HOME of its own: profiles in the person's, and variables for another server, say where else to go and with which key.
      env: { ...minimalEnv(), HOME: paths.root, TEMPORAL_ADDRESS: credentialsOf(paths).temporalAddress, TEMPORAL_NAMESPACE: env['TEMPORAL_NAMESPACE'] || 'default' },
    }),
    api() {
      const credentials = credentialsOf(paths);
      return { url: credentials.baseUrl, operator: token ? { token } : credentials[account] };
    },
    // Looked for first: reading the secrets would make new ones.
    payloads: () => said(() => dataConverterFrom(env['TEMPORAL_PAYLOAD_KEYS'] || !readCredentials(paths.credentialsFile) ? env : { TEMPORAL_PAYLOAD_KEYS: ensureSecrets(paths.secrets).temporalPayloadKeys })),
  };
}

function credentialsOf(paths: StatePaths): Credentials {
  const credentials = readCredentials(paths.credentialsFile);
  if (!credentials) throw new OpsError('usage', 'no sandbox here yet: run npm start, or set TEMPORAL_ADDRESS (and API_URL, API_TOKEN)');
  return credentials;
}

const binaryOf = (env: NodeJS.ProcessEnv): string => env['TEMPORAL_CLI'] || (findTemporal() ?? 'temporal');

/** The CLI knows no TEMPORAL_API_KEY_FILE, which the engine's own processes take. */
function apiKeyVariable(env: NodeJS.ProcessEnv): { TEMPORAL_API_KEY?: string } {
  const apiKey = apiKeyFrom(env);
  return apiKey === null ? {} : { TEMPORAL_API_KEY: apiKey.read() };
}

function said<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new OpsError('usage', oneLine(error), { cause: error });
  }
}
