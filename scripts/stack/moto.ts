import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { minimalEnv, type ChildSpec } from './child-spec.ts';
import { runCommand } from './command.ts';
import { cacheDir, makeCacheDir } from './paths.ts';
import { ensurePython } from './python.ts';
import { canConfine, groupIdOf, SECRETS_UID } from './privileges.ts';

const MOTO_VERSION = '5.2.1';
const INSTEAD = 'set AWS_REGION (and AWS_ENDPOINT_URL) to use a Secrets Manager of your own';

export interface MotoOptions {
  readonly dir: string;
  /** where it listens; 127.0.0.1 unless given, and in a container every address of its own */
  readonly host?: string;
  readonly port: number;
}

function venvDir(): string {
  return join(cacheDir(), `moto-${MOTO_VERSION}`);
}

/** Installs moto into a Python environment of its own in the cache (about half a minute). */
export async function ensureMotoInstalled(logFile: string): Promise<void> {
  const venv = venvDir();
  const complete = join(venv, '.complete');
  if (existsSync(complete)) return;
  makeCacheDir();
  const python = await ensurePython(INSTEAD, logFile);
  const advice = `check the network and pip's settings and try again, or ${INSTEAD}`;
  rmSync(venv, { recursive: true, force: true });
  await runCommand(python, ['-m', 'venv', venv], { logFile, timeoutMs: 120_000, advice });
  await runCommand(join(venv, 'bin', 'pip'), ['install', '--disable-pip-version-check', `moto[server,secretsmanager]==${MOTO_VERSION}`], {
    logFile,
    timeoutMs: 10 * 60_000,
    advice,
  });
  writeFileSync(complete, '');
}

export function motoUrl(options: Pick<MotoOptions, 'port'>): string {
  return `http://127.0.0.1:${options.port}`;
}

/**
 * AWS Secrets Manager for the sandbox. moto keeps everything in memory, so it records each request in a file and plays
 * the file back after a start; only then does it count as ready.
 */
export function motoSpec(options: MotoOptions): ChildSpec {
  const url = motoUrl(options);
  const recording = join(options.dir, 'recording.jsonl');
  return {
    name: 'moto',
    command: join(venvDir(), 'bin', 'python'),
    args: ['-m', 'moto.server', '-H', options.host ?? '127.0.0.1', '-p', String(options.port)],
    env: () => ({ ...minimalEnv(), PYTHONUNBUFFERED: '1', MOTO_ENABLE_RECORDING: '1', MOTO_RECORDER_FILEPATH: recording }),
    cwd: options.dir,
    readyTimeoutMs: 60_000,
    stopTimeoutMs: 10_000,
    exitsBeforeReadyMax: 1,
    beforeStart: async () => prepareRecording(options.dir, recording),
    // Not a path of the recorder, and not recorded by it either, as it asks for no AWS service.
    probe: async () => {
      const response = await fetch(`${url}/moto-api/`, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`moto answered ${response.status}`);
    },
    afterReady: async () => {
      const response = await fetch(`${url}/moto-api/recorder/replay-recording`, { method: 'POST', signal: AbortSignal.timeout(60_000) });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`moto could not play its recording back (${response.status})`);
    },
  };
}

const CHANGES = new Set(['CreateSecret', 'PutSecretValue', 'UpdateSecret', 'UpdateSecretVersionStage', 'DeleteSecret', 'RestoreSecret', 'TagResource', 'UntagResource', 'PutResourcePolicy', 'DeleteResourcePolicy']);

/**
 * Leaves in the recording only what changes secrets (each read is recorded too, and the file would grow for ever), and
 * nothing after a line that a power cut tore.
 *
 * The recording holds the sealed secrets, so other roles must not open it, while moto, which runs as root without
 * capabilities, must append to it: owner is a user nobody runs as, the group is moto's, and the directory lets moto
 * create nothing.
 */
function prepareRecording(dir: string, recording: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const lines = existsSync(recording) ? readFileSync(recording, 'utf8').split('\n') : [];
  const kept = lines.filter((line) => line !== '' && changesSecrets(line));
  writeFileSync(`${recording}.new`, kept.map((line) => `${line}\n`).join(''), { mode: 0o600, flush: true });
  renameSync(`${recording}.new`, recording);
  if (canConfine()) {
    const group = groupIdOf('moto');
    chownSync(dir, SECRETS_UID, group);
    chmodSync(dir, 0o750);
    chownSync(recording, SECRETS_UID, group);
    chmodSync(recording, 0o660);
  }
}

function changesSecrets(line: string): boolean {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
  if (typeof entry !== 'object' || entry === null || !('headers' in entry)) return false;
  const headers = Object.entries(entry.headers as Record<string, string>);
  const target = headers.find(([name]) => name.toLowerCase() === 'x-amz-target')?.[1] ?? '';
  return CHANGES.has(target.slice(target.indexOf('.') + 1));
}
