import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What docker/compose.yaml mounts from the checkout, by path below the project's folder. */
export const MOUNTED_FILES = [
  'docker/mysql/temporal-user.sh',
  'docker/redis/redis.conf',
  'docker/temporal/server.yaml',
  'docker/temporal/setup-schema.sh',
  'temporal-config/dynamic-config.yaml',
] as const;

const READABLE = 0o644;

/**
 * Lets everybody read the files that containers mount, as a mount keeps the rights of this machine and containers run as users of their
 * own: a checkout made under a strict umask would leave MySQL half set up. Nor may they be executable: MySQL's image would run its
 * file as a program instead of taking it in. Called twice, the second call changes nothing.
 * @returns the files whose rights it changed
 * @throws where a file is missing, or belongs to somebody else and has other rights
 */
export function openMountedFiles(root: string): string[] {
  return MOUNTED_FILES.filter((file) => {
    const path = join(root, file);
    if ((statSync(path).mode & 0o555) === (READABLE & 0o555)) return false;
    chmodSync(path, READABLE);
    return true;
  });
}
