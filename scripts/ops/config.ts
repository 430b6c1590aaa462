import { OpsError } from '../../temporal-config/ops/ops-error.ts';
import type { Operator } from '../../temporal-config/ops/operator-api.ts';
import { readCredentials } from '../sandbox/credentials.ts';
import { defaultStatePaths } from '../stack/paths.ts';
import { ensureSecrets } from '../stack/secrets.ts';
import { findTemporal } from '../stack/temporal.ts';

/** Where the operators' commands work. */
export interface OpsConfig {
  /** path of the Temporal CLI */
  readonly binary: string;
  /** environment of the CLI: it reads its connection from it */
  readonly env: NodeJS.ProcessEnv;
  readonly apiUrl: string;
  /** null where nobody was named: commands that need the API say so */
  readonly operator: Operator | null;
}

const ACCOUNTS = ['admin', 'approver'] as const;

/**
 * With TEMPORAL_ADDRESS the environment says everything; without it the sandbox of this checkout is meant, and its accounts.
 * @param as whose word it is in the sandbox
 * @throws OpsError
 */
export function opsConfig(env: NodeJS.ProcessEnv, as: string | undefined): OpsConfig {
  const binary = env['TEMPORAL_CLI'] || findTemporal();
  if (binary === undefined) throw new OpsError('usage', 'there is no "temporal" command: install the Temporal CLI, or set TEMPORAL_CLI to it.');
  const token = env['API_TOKEN'];
  if (env['TEMPORAL_ADDRESS']) {
    if (as !== undefined) throw new OpsError('usage', '--as names an account of the sandbox; with TEMPORAL_ADDRESS set, sign in by API_TOKEN');
    return { binary, env, apiUrl: env['API_URL'] || 'http://127.0.0.1:3000', operator: token ? { token } : null };
  }
  const paths = defaultStatePaths(env);
  const credentials = readCredentials(paths.credentialsFile);
  if (!credentials) throw new OpsError('usage', 'no sandbox here yet: run npm start, or set TEMPORAL_ADDRESS (and API_URL, API_TOKEN)');
  const account = ACCOUNTS.find((name) => name === (as ?? 'admin'));
  if (!account) throw new OpsError('usage', `--as is one of ${ACCOUNTS.join(', ')}`);
  const payloadKeys = env['TEMPORAL_PAYLOAD_KEYS'] || ensureSecrets(paths.secrets).temporalPayloadKeys;
  return { binary, env: { ...env, TEMPORAL_ADDRESS: credentials.temporalAddress, TEMPORAL_PAYLOAD_KEYS: payloadKeys }, apiUrl: credentials.baseUrl, operator: token ? { token } : credentials[account] };
}
