import { readFileSync } from 'node:fs';
import { isLogLevel, type LogLevel } from '../db/observability/logger.ts';
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
  const logLevel = env['LOG_LEVEL'] ?? 'INFO';
  if (!isLogLevel(logLevel)) throw new Error(`LOG_LEVEL is ${logLevel}: give ERROR, WARN, INFO or DEBUG.`);
  const port = Number(required(env, 'METRICS_PORT'));
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('METRICS_PORT is not a port number.');
  return {
    databaseUrl: required(env, 'DATABASE_URL'),
    redisUrl: required(env, 'REDIS_URL'),
    rpcUrls: required(env, 'POLYGON_RPC_URL').split(',').map((url) => url.trim()).filter((url) => url !== ''),
    settings,
    temporal: temporalSettingsFrom(env),
    logLevel,
    metrics: { host: env['METRICS_HOST'] ?? '127.0.0.1', port },
  };
}

/** A 32-byte key given as base64. Throws one line that does not show it. */
export function keyFrom(env: NodeJS.ProcessEnv, name: string): Buffer {
  const key = Buffer.from(required(env, name), 'base64');
  if (key.length !== 32) throw new Error(`${name} must be 32 bytes in base64.`);
  return key;
}
