import { join, resolve } from 'node:path';
import { commaList } from '../../domain/comma-list.ts';
import type { Settings } from '../../domain/settings.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import { loadSettings } from '../sandbox/load-settings.ts';
import { needCredentials } from '../sandbox/need-credentials.ts';
import { PROJECT_ROOT } from '../stack/paths.ts';
import { oneLine } from '../command-line/user-error.ts';

/** Where the books are, and which chain they speak of. */
export interface BooksConfig {
  readonly databaseUrl: string;
  readonly settings: Settings;
}

/** The same, and where the chain is. */
export interface ChainConfig extends BooksConfig {
  readonly rpcUrls: readonly string[];
}

/**
 * DATABASE_URL and SETTINGS_FILE, or, where the first is not set, the sandbox of this checkout.
 * @throws UsageError
 */
export function booksConfig(env: NodeJS.ProcessEnv): BooksConfig {
  const databaseUrl = env['DATABASE_URL'] || needCredentials(env, 'DATABASE_URL').databaseUrl;
  const file = resolve(PROJECT_ROOT, env['SETTINGS_FILE'] || join('docker', 'settings', 'sandbox.json'));
  try {
    return { databaseUrl, settings: loadSettings(file) };
  } catch (error) {
    throw new UsageError(`the settings cannot be read: ${oneLine(error)}`, { cause: error });
  }
}

/**
 * The books, and POLYGON_RPC_URL. Either both are the environment's or both the sandbox's: books of one chain held against
 * another show strangers only.
 * @throws UsageError
 */
export function chainConfig(env: NodeJS.ProcessEnv): ChainConfig {
  const own = env['POLYGON_RPC_URL'] || (env['DATABASE_URL'] ? undefined : needCredentials(env, 'DATABASE_URL').rpcUrl);
  const books = booksConfig(env);
  if (!own) throw new UsageError('POLYGON_RPC_URL must be set too');
  return { ...books, rpcUrls: commaList(own) };
}
