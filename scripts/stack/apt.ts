import { findExecutable, runCommand } from './command.ts';
import { UserError } from '../command-line/user-error.ts';

const INSTALL_TIMEOUT_MS = 10 * 60_000;

// dpkg has one lock: parts that install at the same time wait for each other here.
let last: Promise<void> = Promise.resolve();

/**
 * Installs Debian packages. Throws UserError where that cannot be done (no apt-get, or no right to), saying what the
 * person can install or set instead.
 */
export async function aptInstall(packages: readonly string[], instead: string, logFile: string): Promise<void> {
  const turn = last.catch(() => undefined).then(async () => await install(packages, instead, logFile));
  last = turn;
  await turn;
}

async function install(packages: readonly string[], instead: string, logFile: string): Promise<void> {
  const list = packages.join(' ');
  const aptGet = findExecutable('apt-get');
  if (aptGet === undefined) throw new UserError(`${list} is missing and there is no apt-get here: ${instead}.`);
  const isRoot = process.getuid?.() === 0;
  const sudo = findExecutable('sudo');
  if (!isRoot && sudo === undefined) throw new UserError(`${list} is missing: run "apt-get install ${list}" as root, or ${instead}.`);
  // -n: never wait for a password that nobody is asked for.
  const prefix = isRoot ? [aptGet] : [sudo ?? 'sudo', '-n', 'env', 'DEBIAN_FRONTEND=noninteractive', aptGet];
  const run = async (args: readonly string[]): Promise<void> => {
    const [command = aptGet, ...rest] = [...prefix, ...args];
    await runCommand(command, rest, {
      logFile,
      timeoutMs: INSTALL_TIMEOUT_MS,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      advice: `run "apt-get install ${list}" as root yourself, or ${instead}`,
    });
  };
  await run(['update', '-q']);
  // The packages' own services would take the usual ports; this project runs them as children of its own.
  await run(['install', '-q', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...packages]);
}
