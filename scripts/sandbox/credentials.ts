import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { AssetView } from './assets.ts';

export interface Account {
  readonly email: string;
  readonly password: string;
}

export interface Accounts {
  readonly admin: Account;
  readonly approver: Account;
  readonly user: Account;
}

/** `.sandbox/credentials.json`: what a person or a test needs to use the sandbox. */
export interface Credentials extends Accounts {
  readonly baseUrl: string;
  readonly rpcUrl: string;
  readonly temporalAddress: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** EIP-55 */
  readonly wallets: readonly string[];
  readonly assets: readonly AssetView[];
}

export function readCredentials(file: string): Credentials | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Credentials) : undefined;
}

export function writeCredentials(file: string, credentials: Credentials): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flush: true });
  chmodSync(`${file}.new`, 0o600);
  renameSync(`${file}.new`, file);
}
