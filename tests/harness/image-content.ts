import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findExecutable, runCommand } from '../../scripts/stack/command.ts';
import { PROJECT_ROOT } from '../../scripts/stack/paths.ts';

/**
 * Puts into a directory what docker/Dockerfile puts into /app: the build context that docker/Dockerfile.dockerignore lets through, and
 * packages. The engine's image gets production packages only, installed anew; the sandbox's gets all, which are this checkout's.
 */
export async function layOutImage(dir: string, target: 'engine' | 'sandbox', logFile: string): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const rules = readFileSync(join(PROJECT_ROOT, 'docker', 'Dockerfile.dockerignore'), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const refused = rules.filter((rule) => !rule.startsWith('!') && rule !== '*');
  if (!refused.every((rule) => rule.startsWith('**/*'))) throw new Error('docker/Dockerfile.dockerignore has a rule that this does not follow');
  const isRefused = (path: string): boolean => refused.some((rule) => path.endsWith(rule.slice('**/*'.length)));
  for (const rule of rules.filter((each) => each.startsWith('!'))) {
    const name = rule.slice(1);
    cpSync(join(PROJECT_ROOT, name), join(dir, name), { recursive: true, filter: (path) => !isRefused(path) });
  }
  await runCommand('chmod', ['-R', 'u=rwX,go=rX', dir], { logFile, timeoutMs: 60_000, advice: 'see the log' });
  if (target === 'sandbox') {
    symlinkSync(join(PROJECT_ROOT, 'node_modules'), join(dir, 'node_modules'));
    return;
  }
  const args = ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  await runCommand('npm', args, { cwd: dir, logFile, timeoutMs: 300_000, advice: 'see the log' });
}

const MOUNT = `for mount in $MOUNTS; do
  path="\${mount%%:*}"; mkdir -p "$path"; mount -t tmpfs -o "noexec,nosuid,nodev,\${mount#*:}" tmpfs "$path" || exit 1
done
exec "$@"`;

/**
 * The command in front of Node that gives it the service's own `/tmp`, from which nothing can be executed unless the service says so;
 * nothing where this process may not mount. What it reads must not lie below /tmp then.
 */
export function withOwnMounts(tmpfs: readonly string[]): readonly string[] {
  return mayMount() ? ['env', `MOUNTS=${tmpfs.join(' ')}`, 'unshare', '--mount', 'sh', '-c', MOUNT, 'sh'] : [];
}

let mounts: boolean | undefined;

export function mayMount(): boolean {
  mounts ??= process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp']).status === 0;
  return mounts;
}

/**
 * What to start Node with as the image's user, who owns no file and has no right, where this process may become somebody else; else as
 * the user of this process. Node is copied into `dir`, as its own directory may be closed to others.
 */
export function asImageUser(dir: string): readonly string[] {
  const setpriv = process.getuid?.() === 0 ? findExecutable('setpriv') : undefined;
  if (setpriv === undefined) return [process.execPath];
  const node = join(dir, 'bin', 'node');
  mkdirSync(dirname(node), { recursive: true });
  copyFileSync(process.execPath, node);
  chmodSync(node, 0o755);
  return [setpriv, '--reuid=10001', '--regid=10001', '--clear-groups', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs', '--', node];
}
