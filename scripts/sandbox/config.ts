import { resolve } from 'node:path';
import type { Settings } from '../../domain/settings.ts';
import { retentionDaysFrom } from '../../temporal-config/retention.ts';
import { embeddedParts, PART_PORTS, type PartName } from '../stack/infrastructure.ts';
import { defaultStatePaths, PROJECT_ROOT, type StatePaths } from '../stack/paths.ts';
import { portsFromEnv, type PortName, type Ports } from '../stack/ports.ts';
import { oneLine, UserError } from '../command-line/user-error.ts';
import { loadSettings, SETTINGS_OF_SANDBOX } from './load-settings.ts';

/** What one start of the sandbox is to do, read from its environment once. */
export interface SandboxConfig {
  readonly paths: StatePaths;
  readonly ports: Ports;
  readonly parts: readonly PartName[];
  readonly apiHost: string;
  readonly settingsFile: string;
  readonly settings: Settings;
  readonly chainId: number;
  readonly temporalNamespace: string;
  /** how long Temporal keeps what has closed */
  readonly temporalRetentionDays: number;
  /** The starter's variables; children get named ones of them only. */
  readonly env: NodeJS.ProcessEnv;
}

/** Throws UserError on a variable or a settings file that cannot be used. */
export function sandboxConfig(env: NodeJS.ProcessEnv = process.env): SandboxConfig {
  const settingsFile = resolve(PROJECT_ROOT, env['SETTINGS_FILE'] || SETTINGS_OF_SANDBOX);
  let settings: Settings;
  try {
    settings = loadSettings(settingsFile);
  } catch (error) {
    throw new UserError(`The settings cannot be read: ${oneLine(error)}`, { cause: error });
  }
  const chainId = Number(env['POLYGON_CHAIN_ID'] || settings.chain.chainId);
  if (!Number.isInteger(chainId) || chainId < 1) throw new UserError(`POLYGON_CHAIN_ID must be a whole number, but is "${env['POLYGON_CHAIN_ID']}".`);
  const parts = embeddedParts(env);
  if (chainId !== settings.chain.chainId) {
    throw new UserError(`POLYGON_CHAIN_ID is ${chainId}, but ${settingsFile} is for chain ${settings.chain.chainId}: set POLYGON_RPC_URL, POLYGON_CHAIN_ID and SETTINGS_FILE for one and the same chain.`);
  }
  return {
    paths: defaultStatePaths(env),
    ports: portsFromEnv(env),
    parts,
    apiHost: env['HOST'] || '127.0.0.1',
    settingsFile,
    settings,
    chainId,
    temporalNamespace: env['TEMPORAL_NAMESPACE'] || 'default',
    temporalRetentionDays: retentionDays(env),
    env,
  };
}

function retentionDays(env: NodeJS.ProcessEnv): number {
  try {
    return retentionDaysFrom(env);
  } catch (error) {
    throw new UserError(oneLine(error), { cause: error });
  }
}

/** Every port this start is going to open. */
export function portsInUse(config: SandboxConfig): PortName[] {
  return ['api', 'codec', ...config.parts.flatMap((part) => PART_PORTS[part]), 'metrics'];
}

/** Where the Web UI of Temporal finds the codec server, which people reach from this machine only. */
export function codecUrl({ ports }: Pick<SandboxConfig, 'ports'>): string {
  return `http://127.0.0.1:${ports.codec}`;
}

/** The address to reach the API at from this machine. */
export function apiUrl(config: SandboxConfig): string {
  const host = config.apiHost === '0.0.0.0' || config.apiHost === '::' ? '127.0.0.1' : config.apiHost;
  return `http://${host.includes(':') ? `[${host}]` : host}:${config.ports.api}`;
}
