import { createWriteStream, chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Connection } from '@temporalio/client';
import { minimalEnv, type ChildSpec } from './child-spec.ts';
import { findExecutable, runCommand } from './command.ts';
import { cacheDir, makeCacheDir } from './paths.ts';
import { goInstall } from './go.ts';
import { oneLine, UserError } from '../command-line/user-error.ts';

export const CLI_VERSION = '1.5.1';
const DOWNLOAD_HEADERS_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 180_000;
const INSTEAD = 'set TEMPORAL_ADDRESS to a Temporal server of your own';

export interface TemporalOptions {
  readonly dir: string;
  readonly port: number;
}

function cachedBinary(): string {
  return join(cacheDir(), `temporal-${CLI_VERSION}`, 'temporal');
}

/** The Temporal CLI of this machine: on the PATH, or what `npm start` installed. */
export function findTemporal(): string | undefined {
  return findExecutable('temporal') ?? (existsSync(cachedBinary()) ? cachedBinary() : undefined);
}

/**
 * Gets the Temporal CLI, which carries the server: from the PATH, the cache, the official download, or built from
 * source by Go. `note` is told what is being done.
 */
export async function ensureTemporalInstalled(logFile: string, note: (text: string) => void): Promise<void> {
  if (findTemporal() !== undefined) return;
  const target = cachedBinary();
  const targetDir = join(makeCacheDir(), `temporal-${CLI_VERSION}`);
  mkdirSync(targetDir, { recursive: true });
  note('downloading the Temporal CLI');
  const failure = await download(target, targetDir, logFile);
  if (failure === undefined) return;
  note('no download here, so it is built from source: about 5 minutes on 2 cores');
  await goInstall(`github.com/temporalio/cli/cmd/temporal@v${CLI_VERSION}`, target, {
    logFile,
    instead: INSTEAD,
    advice: `install the Temporal CLI so that "temporal" is on the PATH, or ${INSTEAD} (the download failed too: ${failure})`,
  });
}

/** Returns why it did not work; a machine without that host is no failure of ours yet. */
async function download(target: string, targetDir: string, logFile: string): Promise<string | undefined> {
  const platform = process.platform === 'darwin' ? 'darwin' : 'linux';
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const work = mkdtempSync(join(targetDir, 'download-'));
  const stop = new AbortController();
  const headersTimer = setTimeout(() => stop.abort(new Error('no answer within 5 s')), DOWNLOAD_HEADERS_TIMEOUT_MS);
  const bodyTimer = setTimeout(() => stop.abort(new Error('the download took more than 3 minutes')), DOWNLOAD_TIMEOUT_MS);
  try {
    const response = await fetch(`https://temporal.download/cli/archive/latest?platform=${platform}&arch=${arch}`, { signal: stop.signal });
    clearTimeout(headersTimer);
    if (!response.ok || response.body === null) return `the server answered ${response.status}`;
    const archive = join(work, 'temporal.tar.gz');
    await pipeline(Readable.fromWeb(response.body), createWriteStream(archive));
    await runCommand('tar', ['-xzf', archive, '-C', work], { logFile, timeoutMs: 60_000, advice: 'install tar' });
    const binary = join(work, 'temporal');
    chmodSync(binary, 0o755);
    if (spawnSync(binary, ['--version']).status !== 0) return 'the downloaded program does not run';
    renameSync(binary, target);
    return undefined;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? `: ${oneLine(error.cause)}` : '';
    return `${oneLine(error)}${cause}`;
  } finally {
    clearTimeout(headersTimer);
    clearTimeout(bodyTimer);
    rmSync(work, { recursive: true, force: true });
  }
}

/** A Temporal server with a file database, kept across restarts; 127.0.0.1 only. The Web UI it carries takes no settings, so it stays off. */
export function temporalSpec(options: TemporalOptions): ChildSpec {
  const binary = findTemporal();
  if (binary === undefined) throw new UserError(`There is no Temporal CLI: install it, or ${INSTEAD}.`);
  return {
    name: 'temporal',
    command: binary,
    args: [
      'server', 'start-dev',
      '--db-filename', join(options.dir, 'temporal.db'),
      '--ip', '127.0.0.1',
      '--port', String(options.port),
      '--headless',
      '--log-level', 'warn',
      // Without these SQLite syncs twice a transaction and fifty withdrawals at once run into its deadlines.
      '--sqlite-pragma', 'journal_mode=WAL',
      '--sqlite-pragma', 'synchronous=NORMAL',
    ],
    // HOME of its own: the CLI would read the person's profiles, and may write there. USER is what the server takes for its user's name
    // where the system knows none for its number, as in many containers; without either it does not start.
    env: () => ({ ...minimalEnv(), HOME: options.dir, USER: 'temporal' }),
    cwd: options.dir,
    readyTimeoutMs: 60_000,
    stopTimeoutMs: 10_000,
    exitsBeforeReadyMax: 1,
    beforeStart: async () => {
      mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    },
    probe: async () => await probeTemporal(`127.0.0.1:${options.port}`, 'default'),
  };
}

/** Succeeds once the server answers for that namespace, which comes a moment after its port. */
async function probeTemporal(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 3_000 });
  try {
    await connection.withDeadline(Date.now() + 3_000, async () => await connection.workflowService.describeNamespace({ namespace }));
  } finally {
    await connection.close();
  }
}
