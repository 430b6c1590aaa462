import { readFileSync } from 'node:fs';
import type { JWK } from 'jose';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { logLevelFrom, type LogLevel } from '../db/observability/logger.ts';
import { parseKey } from '../db/parse-key.ts';
import { isBoundedNetwork } from '../domain/ip-network.ts';
import { parsePort } from '../domain/port.ts';
import { parseSettings, type Settings } from '../domain/settings.ts';
import { temporalSettingsFrom, type TemporalSettings } from '../temporal-config/connection.ts';

export interface ApiConfig {
  host: string;
  port: number;
  logLevel: LogLevel;
  databaseUrl: string;
  redisUrl: string;
  temporal: TemporalSettings;
  settings: Settings;
  sealKey: Uint8Array;
  webhookKey: Uint8Array;
  signingJwk: JWK;
  /** public keys whose access tokens are still accepted */
  previousJwks: readonly JWK[];
}

const PrivateJwkSchema = Type.Object({
  kty: Type.Literal('OKP'),
  crv: Type.Literal('Ed25519'),
  x: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  d: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
});
const PublicJwkSchema = Type.Omit(PrivateJwkSchema, ['d']);
const PREVIOUS_JWKS_MAX = 5;

/** Reads the API's own variables. Throws one line that names the wrong one and never shows a secret's value. */
export function apiConfigFrom(env: NodeJS.ProcessEnv): ApiConfig {
  const settingsFile = required(env, 'SETTINGS_FILE', 'give the path of the settings file');
  return {
    host: env['HOST'] ?? '127.0.0.1',
    port: parsePort('PORT', env['PORT'] || '3000'),
    logLevel: logLevelFrom(env),
    databaseUrl: required(env, 'DATABASE_URL', 'give mysql://user:password@host:port/database'),
    redisUrl: required(env, 'REDIS_URL', 'give redis://host:port'),
    temporal: temporalSettingsFrom(env),
    settings: withTrustedProxies(parseSettings(readSettings(settingsFile), settingsFile), env['TRUSTED_PROXIES']),
    sealKey: keyFrom(env, 'SEAL_KEY'),
    webhookKey: keyFrom(env, 'WEBHOOK_KEY'),
    signingJwk: signingJwkFrom(required(env, 'JWT_PRIVATE_JWK', 'give an Ed25519 private key as a JWK')),
    previousJwks: previousJwksFrom(env['JWT_PREVIOUS_JWKS'] ?? ''),
  };
}

function required(env: NodeJS.ProcessEnv, name: string, advice: string): string {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set: ${advice}.`);
  return value;
}

function readSettings(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`SETTINGS_FILE ${file} cannot be read: correct the path.`, { cause: error });
  }
}

/** Where the load balancers stand is often known only where the process is started. */
function withTrustedProxies(settings: Settings, text: string | undefined): Settings {
  if (!text) return settings;
  const trustedProxies = text.split(',').map((range) => range.trim());
  if (!trustedProxies.every(isBoundedNetwork)) throw new Error('TRUSTED_PROXIES must be addresses or CIDR ranges, with commas between them.');
  return { ...settings, api: { ...settings.api, trustedProxies } };
}

function keyFrom(env: NodeJS.ProcessEnv, name: string): Uint8Array {
  return parseKey(required(env, name, 'give 32 random bytes in base64'), name);
}

function signingJwkFrom(text: string): JWK {
  const refusal = 'JWT_PRIVATE_JWK must be an Ed25519 private key as a JWK: kty OKP, crv Ed25519, x and d.';
  let jwk: unknown;
  try {
    jwk = JSON.parse(text);
  } catch {
    // Without the parser's own words: they quote the text, which is a secret.
    throw new Error(refusal);
  }
  if (!Value.Check(PrivateJwkSchema, jwk)) throw new Error(refusal);
  return jwk;
}

/** Of a private key only the public part is kept: it is not to sign any more. */
function previousJwksFrom(text: string): JWK[] {
  if (text === '') return [];
  const refusal = `JWT_PREVIOUS_JWKS must be a JWK set or a list of up to ${PREVIOUS_JWKS_MAX} Ed25519 keys as JWKs: kty OKP, crv Ed25519 and x.`;
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    // As above: there may be a private key in it.
    throw new Error(refusal);
  }
  const keys = !Array.isArray(given) && typeof given === 'object' && given !== null && 'keys' in given ? given.keys : given;
  if (!Value.Check(Type.Array(PublicJwkSchema, { maxItems: PREVIOUS_JWKS_MAX }), keys)) throw new Error(refusal);
  return keys.map(({ kty, crv, x }) => ({ kty, crv, x }));
}
