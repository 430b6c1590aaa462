import { needCredentials } from '../sandbox/need-credentials.ts';

/**
 * The database whose accounts are meant: `DATABASE_URL`, or without it that of the sandbox of this checkout.
 *
 * @throws UsageError
 */
export function accountsDatabaseUrl(env: NodeJS.ProcessEnv): string {
  return env['DATABASE_URL'] || needCredentials(env, 'DATABASE_URL').databaseUrl;
}
