import { execFile } from 'node:child_process';
import { OpsError } from './ops-error.ts';

/** Histories of long withdrawals are megabytes of JSON. */
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;
const COMMAND_TIMEOUT_MS = 60_000;

/** The `temporal` command line. Where it connects to it reads from its own variables (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_…) or profile. */
export interface TemporalCli {
  /** What the command printed. Throws `OpsError` with the server's own words. */
  text(args: readonly string[]): Promise<string>;
  /** The same with `--output json`, parsed. */
  json<T>(args: readonly string[]): Promise<T>;
}

/** The `temporal` program, and what it runs with. */
export interface TemporalProgram {
  /** path, or a name on the PATH */
  readonly binary: string;
  readonly env: NodeJS.ProcessEnv;
}

/** @param programOf asked at each call: a command that needs no Temporal needs no program either */
export function temporalCli(programOf: () => TemporalProgram): TemporalCli {
  const text = async (args: readonly string[]): Promise<string> => run(programOf(), args);
  return { text, json: async <T>(args: readonly string[]) => JSON.parse((await text([...args, '--output', 'json'])) || 'null') as T };
}

function run({ binary, env }: TemporalProgram, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(binary, [...args, '--color', 'never'], { env, maxBuffer: OUTPUT_BYTES_MAX, timeout: COMMAND_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(failureOf(error, stderr));
    });
  });
}

function failureOf(error: Error & { killed?: boolean }, stderr: string): OpsError {
  if (error.killed) return new OpsError('unavailable', `Temporal gave no answer within ${COMMAND_TIMEOUT_MS / 1_000} s: check TEMPORAL_ADDRESS.`, { cause: error });
  if ('code' in error && error.code === 'ENOENT') return new OpsError('usage', 'there is no "temporal" command: install the Temporal CLI, or set TEMPORAL_CLI to it.', { cause: error });
  const said = wordsOf(stderr);
  if (/not found for ID|workflow execution already completed|no current execution|Workflow executions? not found/i.test(said)) return new OpsError('absent', said, { cause: error });
  if (/^failed (loading client config|creating client options)/i.test(said)) return new OpsError('usage', `${said}: check the TEMPORAL_… variables and the profile.`, { cause: error });
  if (/connection refused|unavailable|deadline exceeded|failed reaching server|dial|no such host|rate limit exceeded/i.test(said)) return new OpsError('unavailable', `Temporal cannot be reached (${said}): check TEMPORAL_ADDRESS.`, { cause: error });
  return new OpsError('refused', said, { cause: error });
}

/** The CLI logs `time=… level=ERROR msg="…"`; a wrong flag is said plainly. */
function wordsOf(stderr: string): string {
  const lines = stderr.trim().split('\n');
  const last = lines.findLast((line) => line.trim() !== '') ?? 'the Temporal CLI failed without a word';
  const logged = / msg="((?:[^"\\]|\\.)*)"/.exec(last);
  return (logged?.[1]?.replaceAll('\\"', '"') ?? last).replace(/^Error: /, '').trim();
}
