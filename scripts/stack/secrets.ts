import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canConfine, SECRETS_GID, SECRETS_UID } from './privileges.ts';

/** What only some roles may hold. Text as it goes into the environment. */
export interface Secrets {
  /** 32 bytes, base64. signing-service alone. */
  readonly keyEncryptionKey: string;
  /** 32 bytes, base64. api-server and signing-service, and the provisioning that seals the first rules. */
  readonly sealKey: string;
  /** 32 bytes, base64. api-server and withdrawal-worker. */
  readonly webhookKey: string;
  /** `id:base64` of 32 bytes. Every role that speaks with Temporal: each reads what the others wrote there. */
  readonly temporalPayloadKeys: string;
  /** Ed25519 private JWK as JSON. api-server alone. */
  readonly jwtPrivateJwk: string;
  /** For the embedded secret store. signing-service alone. */
  readonly awsAccessKeyId: string;
  readonly awsSecretAccessKey: string;
}

function newJwtKey(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  const jwk = privateKey.export({ format: 'jwk' });
  return JSON.stringify({ ...jwk, alg: 'EdDSA', use: 'sig', kid: randomBytes(8).toString('hex') });
}

/** Each secret's file, and how a new one is made. */
export const SECRET_FILES: Readonly<Record<keyof Secrets, { file: string; generate: () => string }>> = {
  keyEncryptionKey: { file: 'key-encryption-key', generate: () => randomBytes(32).toString('base64') },
  sealKey: { file: 'seal-key', generate: () => randomBytes(32).toString('base64') },
  webhookKey: { file: 'webhook-key', generate: () => randomBytes(32).toString('base64') },
  temporalPayloadKeys: { file: 'temporal-payload-keys', generate: () => `${randomBytes(4).toString('hex')}:${randomBytes(32).toString('base64')}` },
  jwtPrivateJwk: { file: 'jwt-private-jwk.json', generate: newJwtKey },
  awsAccessKeyId: { file: 'aws-access-key-id', generate: () => `AKIA${randomBytes(10).toString('hex').toUpperCase().slice(0, 16)}` },
  awsSecretAccessKey: { file: 'aws-secret-access-key', generate: () => randomBytes(30).toString('base64') },
};

/** The files `ensureSecrets` keeps, by absolute path. */
export function secretFiles(secretsDir: string): string[] {
  return Object.values(SECRET_FILES).map(({ file }) => join(secretsDir, file));
}

/**
 * Generates what is missing and reads all of it. Called again, it returns the same values: sessions, seals and wrapped
 * keys survive a restart. As root, directory and files belong to a user nobody runs as, so that a process without
 * CAP_DAC_OVERRIDE cannot open them, root or not; otherwise they are readable by the same user alone (0600).
 */
export function ensureSecrets(secretsDir: string): Secrets {
  mkdirSync(secretsDir, { recursive: true, mode: 0o700 });
  chmodSync(secretsDir, 0o700);
  const values = Object.entries(SECRET_FILES).map(([name, { file, generate }]) => {
    const path = join(secretsDir, file);
    if (!existsSync(path)) {
      // Written aside and renamed: a power cut leaves the whole secret or none.
      writeFileSync(`${path}.new`, generate(), { mode: 0o600, flush: true });
      renameSync(`${path}.new`, path);
    }
    if (canConfine()) chownSync(path, SECRETS_UID, SECRETS_GID);
    return [name, readFileSync(path, 'utf8')] as const;
  });
  if (canConfine()) chownSync(secretsDir, SECRETS_UID, SECRETS_GID);
  return Object.fromEntries(values) as unknown as Secrets;
}
