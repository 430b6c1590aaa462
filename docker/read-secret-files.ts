import { readFileSync } from 'node:fs';

/** What may come as a file: `NAME_FILE` holds the path and `NAME` is set to the file's text. */
const SECRET_VARIABLES = [
  'DATABASE_URL', 'REDIS_URL', 'POLYGON_RPC_URL', 'KEY_ENCRYPTION_KEY', 'NEW_KEY_ENCRYPTION_KEY', 'SEAL_KEY', 'WEBHOOK_KEY', 'JWT_PRIVATE_JWK', 'TEMPORAL_PAYLOAD_KEYS', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY',
] as const;

/**
 * Puts what `NAME_FILE` variables point to into `env` as `NAME`, without a newline at the end. A container's environment is shown by
 * `docker inspect`; what a process sets for itself later is not. Called twice, the second call finds nothing to do.
 * @throws one line that names the variable and never shows what a file holds
 */
export function readSecretFiles(env: NodeJS.ProcessEnv): void {
  for (const name of SECRET_VARIABLES) {
    const variable = `${name}_FILE`;
    const file = env[variable];
    if (!file) continue;
    if (env[name]) throw new Error(`${name} and ${variable} are both set: leave one of them out.`);
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      throw new Error(`${variable} ${file} cannot be read: correct the path or its rights.`, { cause: error });
    }
    const value = text.replace(/\r?\n$/, '');
    if (value === '') throw new Error(`${variable} ${file} is empty.`);
    env[name] = value;
    delete env[variable];
  }
}
