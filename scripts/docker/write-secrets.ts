import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SECRET_FILES } from '../stack/secrets.ts';

const password = (): string => randomBytes(24).toString('hex');
type Read = (name: string) => string;

/**
 * Every file below docker/secrets/, in the order they are made: later ones may hold earlier ones. The hosts are the services of
 * docker/compose.yaml.
 */
const FILES: readonly (readonly [name: string, make: (read: Read) => string])[] = [
  ['mysql_root_password', password],
  ['mysql_password', password],
  ['database_url', (read) => `mysql://withdrawals:${read('mysql_password')}@mysql:3306/withdrawals`],
  ['redis_auth', () => `requirepass ${password()}`],
  ['redis_url', (read) => `redis://default:${read('redis_auth').split(' ')[1] ?? ''}@redis:6379/0`],
  ['temporal_database_password', password],
  ['temporal_payload_keys', SECRET_FILES.temporalPayloadKeys.generate],
  ['key_encryption_key', SECRET_FILES.keyEncryptionKey.generate],
  ['seal_key', SECRET_FILES.sealKey.generate],
  ['webhook_key', SECRET_FILES.webhookKey.generate],
  ['jwt_private_jwk', SECRET_FILES.jwtPrivateJwk.generate],
  ['aws_access_key_id', SECRET_FILES.awsAccessKeyId.generate],
  ['aws_secret_access_key', SECRET_FILES.awsSecretAccessKey.generate],
];

/** Where an operator of a Temporal of their own puts an API key or certificates. */
const TEMPORAL_ACCESS_DIR = 'temporal';

/**
 * Makes the secrets that are not there yet. Called twice, the second call makes none: data on the volumes can be opened with these only.
 * Killed in the middle, the next call makes the rest.
 *
 * Docker mounts single files, with the rights they have here, and containers run as users of their own. So the files are readable, also
 * those that an operator has put there since, and their directory, which Docker does not mount, is closed to everybody but its owner.
 * @returns the names of the new ones
 */
export function writeSecrets(dir: string): string[] {
  mkdirSync(join(dir, TEMPORAL_ACCESS_DIR), { recursive: true, mode: 0o755 });
  chmodSync(dir, 0o700);
  const read: Read = (name) => readFileSync(join(dir, name), 'utf8');
  const made = FILES.flatMap(([name, make]) => {
    const file = join(dir, name);
    if (existsSync(file)) return [];
    writeFileSync(`${file}.new`, make(read), { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
    return [name];
  });
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), entry.isFile() ? 0o644 : 0o755);
  }
  return made;
}
