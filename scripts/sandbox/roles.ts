import { join } from 'node:path';
import { minimalEnv, type ChildSpec } from '../stack/child-spec.ts';
import { PROJECT_ROOT } from '../stack/paths.ts';
import type { Role } from '../stack/privileges.ts';
import { ensureSecrets } from '../stack/secrets.ts';
import { apiUrl, codecUrl, type SandboxConfig } from './config.ts';
import { custodyEnv, payloadKeysEnv, sealKeyOf, temporalAccessEnv, type Connections } from './connections.ts';

const ENTRIES: Readonly<Record<Role, string>> = {
  'api-server': 'api/server.ts',
  'withdrawal-worker': 'workers/withdrawal-worker.ts',
  'signing-service': 'workers/signing-service.ts',
  'tx-broadcaster': 'workers/tx-broadcaster.ts',
  'tx-monitor': 'workers/tx-monitor.ts',
  'codec-server': 'scripts/codec-server.ts',
};

type Worker = Exclude<Role, 'api-server' | 'codec-server'>;

const METRICS_OFFSETS: Readonly<Record<Worker, number>> = {
  'withdrawal-worker': 0,
  'signing-service': 1,
  'tx-broadcaster': 2,
  'tx-monitor': 3,
};

// Older Nodes strip types as well, but say each time that it is an experiment.
const NODE_FLAGS = Number(process.versions.node.split('.')[0]) < 24 ? ['--disable-warning=ExperimentalWarning'] : [];

/** One child for each role. Each is given its own variables and nobody else's. */
export function roleSpecs(config: SandboxConfig, connections: Connections): ChildSpec[] {
  return (Object.keys(ENTRIES) as Role[]).map((role) => ({
    name: role,
    command: process.execPath,
    args: [...NODE_FLAGS, join(PROJECT_ROOT, ENTRIES[role])],
    env: () => ({ ...minimalEnv(), ...(role === 'codec-server' ? codecServerEnv(config, connections) : { ...commonEnv(config, connections), ...ownEnv(role, config, connections) }) }),
    cwd: PROJECT_ROOT,
    probe: async () => await probeHttp(probeUrl(role, config)),
    // A worker bundles its workflows first.
    readyTimeoutMs: 120_000,
    stopTimeoutMs: 10_000,
    // A role may lose a race with a part that is still settling; a wrong configuration fails three times alike.
    exitsBeforeReadyMax: 3,
  }));
}

function probeUrl(role: Role, config: SandboxConfig): string {
  if (role === 'api-server') return `${apiUrl(config)}/health`;
  return role === 'codec-server' ? `${codecUrl(config)}/health` : `http://127.0.0.1:${metricsPort(role, config)}/metrics`;
}

function metricsPort(role: Worker, config: SandboxConfig): number {
  return config.ports.metrics + METRICS_OFFSETS[role];
}

function commonEnv(config: SandboxConfig, connections: Connections): Record<string, string> {
  const optional = ['LOG_LEVEL', 'CRASH_POINT_DIR'].flatMap((name) => {
    const value = config.env[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  return {
    NODE_ENV: 'production',
    DATABASE_URL: connections.databaseUrl,
    REDIS_URL: connections.redisUrl,
    SETTINGS_FILE: config.settingsFile,
    TEMPORAL_ADDRESS: connections.temporalAddress,
    TEMPORAL_NAMESPACE: config.temporalNamespace,
    ...temporalAccessEnv(config),
    ...payloadKeysEnv(config),
    ...Object.fromEntries(optional),
  };
}

/** It reaches no store: it asks the API who may read, and holds the payload keys. */
function codecServerEnv(config: SandboxConfig, { temporalUiUrl }: Connections): Record<string, string> {
  const { LOG_LEVEL: level, CODEC_UI_ORIGINS: others } = config.env;
  return {
    NODE_ENV: 'production',
    ...payloadKeysEnv(config),
    CODEC_PORT: String(config.ports.codec),
    CODEC_API_URL: apiUrl(config),
    CODEC_UI_ORIGINS: [temporalUiUrl, others].filter(Boolean).join(','),
    ...(level ? { LOG_LEVEL: level } : {}),
  };
}

function ownEnv(role: Exclude<Role, 'codec-server'>, config: SandboxConfig, connections: Connections): Record<string, string> {
  const webhookKey = (): string => config.env['WEBHOOK_KEY'] || ensureSecrets(config.paths.secrets).webhookKey;
  if (role === 'api-server') {
    return {
      HOST: config.apiHost,
      PORT: String(config.ports.api),
      TRUSTED_PROXIES: config.env['TRUSTED_PROXIES'] ?? '',
      JWT_PRIVATE_JWK: config.env['JWT_PRIVATE_JWK'] || ensureSecrets(config.paths.secrets).jwtPrivateJwk,
      JWT_PREVIOUS_JWKS: config.env['JWT_PREVIOUS_JWKS'] ?? '',
      SEAL_KEY: sealKeyOf(config),
      WEBHOOK_KEY: webhookKey(),
    };
  }
  const worker = {
    METRICS_HOST: '127.0.0.1',
    METRICS_PORT: String(metricsPort(role, config)),
    POLYGON_RPC_URL: connections.rpcUrl,
    POLYGON_CHAIN_ID: String(config.chainId),
  };
  if (role === 'withdrawal-worker') return { ...worker, WEBHOOK_KEY: webhookKey() };
  return role === 'signing-service' ? { ...worker, SEAL_KEY: sealKeyOf(config), ...custodyEnv(config, connections) } : worker;
}

async function probeHttp(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}
