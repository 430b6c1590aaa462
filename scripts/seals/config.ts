import { existsSync } from 'node:fs';
import { parseKey } from '../../db/parse-key.ts';
import { defaultStatePaths } from '../stack/paths.ts';
import { ensureSecrets, secretFiles } from '../stack/secrets.ts';
import { orUsageError, UsageError } from '../command-line/exit-codes.ts';
import { booksConfig, type BooksConfig } from '../reconcile/config.ts';

export interface SealsConfig extends BooksConfig {
  readonly sealKey: Buffer;
}

/**
 * SEAL_KEY and DATABASE_URL, or neither and the sandbox of this checkout is meant: the key of one installation does not seal the rows
 * of another.
 * @throws UsageError, which does not show the key
 */
export function sealsConfig(env: NodeJS.ProcessEnv): SealsConfig {
  const [key, url] = [env['SEAL_KEY'] || undefined, env['DATABASE_URL'] || undefined];
  if ((key === undefined) !== (url === undefined)) throw new UsageError('SEAL_KEY and DATABASE_URL must be set together, or neither for the sandbox of this checkout');
  const books = booksConfig(env);
  return { ...books, sealKey: orUsageError(() => parseKey(key ?? sandboxSealKey(env), 'SEAL_KEY')) };
}

function sandboxSealKey(env: NodeJS.ProcessEnv): string {
  const { secrets } = defaultStatePaths(env);
  // Looked for first: reading the secrets would make new ones.
  if (!secretFiles(secrets).every((file) => existsSync(file))) throw new UsageError('no sandbox here yet: run npm start, or set SEAL_KEY and DATABASE_URL');
  return ensureSecrets(secrets).sealKey;
}
