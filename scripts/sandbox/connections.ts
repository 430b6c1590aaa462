import { TEMPORAL_ACCESS_VARIABLES } from '../../temporal-config/connection.ts';
import { ensureSecrets } from '../stack/secrets.ts';
import type { InfrastructureUrls } from '../stack/infrastructure.ts';
import { UserError } from '../command-line/user-error.ts';
import type { SandboxConfig } from './config.ts';

/** Where every part is, embedded or not. */
export interface Connections {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly temporalAddress: string;
  readonly temporalUiUrl: string | null;
  readonly rpcUrl: string;
  readonly awsEndpointUrl: string | null;
}

export function connectionsOf(config: SandboxConfig, urls: InfrastructureUrls): Connections {
  const either = (embedded: string | undefined, variable: string): string => {
    const value = embedded ?? config.env[variable];
    if (value === undefined || value === '') throw new UserError(`${variable} is not set and its part is not embedded: set it, or leave it out altogether.`);
    return value;
  };
  return {
    databaseUrl: either(urls.databaseUrl, 'DATABASE_URL'),
    redisUrl: either(urls.redisUrl, 'REDIS_URL'),
    temporalAddress: either(urls.temporalAddress, 'TEMPORAL_ADDRESS'),
    temporalUiUrl: urls.temporalUiUrl ?? null,
    rpcUrl: either(urls.rpcUrl, 'POLYGON_RPC_URL'),
    awsEndpointUrl: urls.awsEndpointUrl ?? null,
  };
}

/** What rows are sealed under: for the API, the signing service, and whoever seals the first rules. */
export function sealKeyOf(config: SandboxConfig): string {
  return config.env['SEAL_KEY'] || ensureSecrets(config.paths.secrets).sealKey;
}

/** What only a process that handles keys may be given: the key-encryption key and the secret store's credentials. */
export function custodyEnv(config: SandboxConfig, connections: Connections): Record<string, string> {
  const secrets = ensureSecrets(config.paths.secrets);
  return {
    KEY_ENCRYPTION_KEY: config.env['KEY_ENCRYPTION_KEY'] || secrets.keyEncryptionKey,
    ...(connections.awsEndpointUrl === null
      ? awsVariables(config.env)
      : {
          AWS_REGION: 'us-east-1',
          AWS_ENDPOINT_URL: connections.awsEndpointUrl,
          AWS_ACCESS_KEY_ID: secrets.awsAccessKeyId,
          AWS_SECRET_ACCESS_KEY: secrets.awsSecretAccessKey,
        }),
  };
}

// The starter's own: whichever way of signing in they chose. The SDK knows no AWS_DEFAULT_REGION, and a store at an address of its own
// (moto, LocalStack) takes any region, but the SDK does not go without one.
function awsVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  const given = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (name.startsWith('AWS_') && value ? [[name, value]] : [])));
  if (given['AWS_REGION'] !== undefined || given['AWS_PROFILE'] !== undefined) return given;
  return { AWS_REGION: given['AWS_DEFAULT_REGION'] ?? 'us-east-1', ...given };
}

/** How a process shows Temporal who it is, where the server is the starter's own. */
export function temporalAccessEnv({ env }: Pick<SandboxConfig, 'env'>): Record<string, string> {
  return Object.fromEntries(TEMPORAL_ACCESS_VARIABLES.flatMap((name) => (env[name] ? [[name, env[name]] as const] : [])));
}

/** For every process that reads or writes payloads: each reads what the others wrote. */
export function payloadKeysEnv({ env, paths }: Pick<SandboxConfig, 'env' | 'paths'>): Record<string, string> {
  return { TEMPORAL_PAYLOAD_KEYS: env['TEMPORAL_PAYLOAD_KEYS'] || ensureSecrets(paths.secrets).temporalPayloadKeys };
}
