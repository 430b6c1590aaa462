import { UsageError } from '../command-line/exit-codes.ts';
import { defaultStatePaths } from '../stack/paths.ts';
import { readCredentials, type Credentials } from './credentials.ts';

/**
 * The credentials of the sandbox of this checkout, for a command that was given no other place to work at.
 * @param otherwise the variables that would have named one
 * @throws UsageError where there is no sandbox
 */
export function needCredentials(env: NodeJS.ProcessEnv, otherwise: string): Credentials {
  const credentials = readCredentials(defaultStatePaths(env).credentialsFile);
  if (!credentials) throw new UsageError(`no sandbox here yet: run npm start, or set ${otherwise}`);
  return credentials;
}
