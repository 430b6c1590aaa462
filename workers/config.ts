import { readFileSync } from 'node:fs';
import { logLevelFrom, type LogLevel } from '../db/observability/logger.ts';
import { parseKey } from '../db/parse-key.ts';
import { commaList } from '../domain/comma-list.ts';
import { parsePort } from '../domain/port.ts';
import { parseSettings, type Settings } from '../domain/settings.ts';
import { temporalSettingsFrom, type TemporalSettings } from '../temporal-config/connection.ts';

/** What every worker role reads. A role parses its own variables only; what is not here it never sees. */
export interface WorkerConfig {
  databaseUrl: string;
  redisUrl: string;
  rpcUrls: string[];
  settings: Settings;
  temporal: TemporalSettings;
  logLevel: LogLevel;
  metrics: { host: string; port: number };
}

/** The value of a variable, or one line saying which is missing. */
export function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set.`);
  return value;
}

/** Reads the common configuration. Throws one line naming the first variable that is missing or wrong. */
export function workerConfigFrom(env: NodeJS.ProcessEnv): WorkerConfig {
  const settingsFile = required(env, 'SETTINGS_FILE');
  const settings = parseSettings(readFileSync(settingsFile, 'utf8'), settingsFile);
  const chainId = Number(env['POLYGON_CHAIN_ID'] ?? settings.chain.chainId);
  if (chainId !== settings.chain.chainId) throw new Error(`POLYGON_CHAIN_ID is ${chainId} but ${settingsFile} is for chain ${settings.chain.chainId}.`);
  return {
    databaseUrl: required(env, 'DATABASE_URL'),
    redisUrl: required(env, 'REDIS_URL'),
    rpcUrls: commaList(required(env, 'POLYGON_RPC_URL')),
    settings,
    temporal: temporalSettingsFrom(env),
    logLevel: logLevelFrom(env),
    metrics: { host: env['METRICS_HOST'] ?? '127.0.0.1', port: parsePort('METRICS_PORT', required(env, 'METRICS_PORT')) },
  };
}

/** A 32-byte key given as base64. Throws one line that does not show it. */
export function keyFrom(env: NodeJS.ProcessEnv, name: string): Buffer {
  return parseKey(required(env, name), name);
}
