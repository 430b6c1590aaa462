import { chmodSync, chownSync, existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AwsSecretStoreOptions } from '../../activities/custody/aws-secret-store.ts';
import { parseKey } from '../../db/parse-key.ts';
import { sandboxConfig } from '../sandbox/config.ts';
import { connectionsOf, custodyEnv } from '../sandbox/connections.ts';
import { infrastructureSpecs } from '../stack/infrastructure.ts';
import { defaultStatePaths } from '../stack/paths.ts';
import { canConfine, SECRETS_GID, SECRETS_UID } from '../stack/privileges.ts';
import { orUsageError, UsageError } from '../command-line/exit-codes.ts';

const SANDBOX_KEY_FILE = 'key-encryption-key';
const CUSTODY_VARIABLES = ['KEY_ENCRYPTION_KEY', 'AWS_REGION', 'AWS_ENDPOINT_URL'] as const;

/** Where the keys command works, and with what. */
export interface KeysConfig {
  readonly chainId: number;
  readonly keyEncryptionKey: Buffer;
  /** Empty: the AWS variables as they are. */
  readonly secretStore: AwsSecretStoreOptions;
  readonly databaseUrl: string | null;
  /** Makes a new key-encryption key the sandbox's own; null outside a sandbox, where that is the operator's to do. */
  readonly adoptKeyEncryptionKey: ((key: Buffer) => void) | null;
}

/**
 * Either the environment says everything about custody, or none of it and the sandbox of this checkout is meant. A
 * mixture is refused: a key in a real store sealed under a sandbox's key-encryption key would be lost with the sandbox.
 *
 * @throws UsageError
 */
export function keysConfig(env: NodeJS.ProcessEnv): KeysConfig {
  const given = CUSTODY_VARIABLES.filter((name) => isSet(env, name));
  return given.length === 0 ? sandboxKeysConfig(env) : environmentKeysConfig(env);
}

/** The key-encryption key to rotate to. @throws UsageError */
export function newKeyEncryptionKey(env: NodeJS.ProcessEnv): Buffer {
  return keyFrom(required(env, 'NEW_KEY_ENCRYPTION_KEY'), 'NEW_KEY_ENCRYPTION_KEY');
}

function environmentKeysConfig(env: NodeJS.ProcessEnv): KeysConfig {
  const missing = ['KEY_ENCRYPTION_KEY', 'AWS_REGION', 'POLYGON_CHAIN_ID'].filter((name) => !isSet(env, name));
  if (missing.length > 0) {
    throw new UsageError(`${missing.join(' and ')} must be set too (or none of ${CUSTODY_VARIABLES.join(', ')}, for the sandbox of this checkout)`);
  }
  const chainId = Number(env['POLYGON_CHAIN_ID']);
  if (!Number.isSafeInteger(chainId) || chainId < 1) throw new UsageError('POLYGON_CHAIN_ID must be a whole number');
  return {
    chainId,
    keyEncryptionKey: keyFrom(required(env, 'KEY_ENCRYPTION_KEY'), 'KEY_ENCRYPTION_KEY'),
    secretStore: {},
    databaseUrl: isSet(env, 'DATABASE_URL') ? required(env, 'DATABASE_URL') : null,
    adoptKeyEncryptionKey: null,
  };
}

function sandboxKeysConfig(env: NodeJS.ProcessEnv): KeysConfig {
  const keyFile = join(defaultStatePaths(env).secrets, SANDBOX_KEY_FILE);
  // Looked for first: reading the secrets below would make new ones.
  if (!existsSync(keyFile)) {
    throw new UsageError(`no sandbox here yet: run npm start, or set ${CUSTODY_VARIABLES.slice(0, 2).join(', ')}, POLYGON_CHAIN_ID and the other AWS variables`);
  }
  const config = sandboxConfig(env);
  const connections = connectionsOf(config, infrastructureSpecs(config.parts, config.paths, config.ports).urls);
  const custody = custodyEnv(config, connections);
  return {
    chainId: config.chainId,
    keyEncryptionKey: keyFrom(required(custody, 'KEY_ENCRYPTION_KEY'), keyFile),
    secretStore: {
      region: required(custody, 'AWS_REGION'),
      endpoint: required(custody, 'AWS_ENDPOINT_URL'),
      credentials: { accessKeyId: required(custody, 'AWS_ACCESS_KEY_ID'), secretAccessKey: required(custody, 'AWS_SECRET_ACCESS_KEY') },
    },
    databaseUrl: connections.databaseUrl,
    adoptKeyEncryptionKey: (key) => replaceSecretFile(keyFile, key.toString('base64')),
  };
}

/** Written aside with its final owner and mode, then renamed: there is no moment at which others could read it. */
function replaceSecretFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
  chmodSync(`${file}.new`, 0o600);
  if (canConfine()) chownSync(`${file}.new`, SECRETS_UID, SECRETS_GID);
  renameSync(`${file}.new`, file);
}

const keyFrom = (text: string, name: string): Buffer => orUsageError(() => parseKey(text, name));

const isSet = (env: NodeJS.ProcessEnv, name: string): boolean => (env[name] ?? '') !== '';

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name] ?? '';
  if (value === '') throw new UsageError(`${name} must be set`);
  return value;
}
