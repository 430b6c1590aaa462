import { UsageError } from '../keys/exit-codes.ts';
import { readCredentials } from '../sandbox/credentials.ts';
import { defaultStatePaths } from '../stack/paths.ts';

/**
 * The database whose accounts are meant: `DATABASE_URL`, or without it that of the sandbox of this checkout.
 *
 * @throws UsageError
 */
export function accountsDatabaseUrl(env: NodeJS.ProcessEnv): string {
  const url = env['DATABASE_URL'] || readCredentials(defaultStatePaths(env).credentialsFile)?.databaseUrl;
  if (!url) throw new UsageError('no sandbox here yet: run npm start, or set DATABASE_URL');
  return url;
}
