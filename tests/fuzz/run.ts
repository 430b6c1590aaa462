import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CONFIG = fileURLToPath(new URL('schemathesis.toml', import.meta.url));
/** One answer that takes longer is a finding. */
const REQUEST_SECONDS_MAX = 20;

/** What can end the session that calls: after them everything would be a 401, which is documented. They get a run of their own, the last. */
const ENDS_SESSIONS = ['DELETE /auth/sessions', 'DELETE /auth/sessions/{id}', 'POST /auth/password', 'PATCH /admin/users/{id}', 'POST /admin/users/{id}/second-factor/reset'];

export interface FuzzOptions {
  /** of the API, whose own OpenAPI document says what is called */
  baseUrl: string;
  /** schemathesis' command */
  command: string;
  /** through whose eyes the API is called; the session must last longer than the run, unless it calls what ends sessions, and then only that */
  actor: { name: string; authorization: string; endsSessions?: boolean };
  seed: number;
  /** of schemathesis: `examples`, `coverage`, `fuzzing`, `stateful` */
  phases: readonly string[];
  /** requests for each operation in the phases that draw them */
  examplesMax: number;
  /** fuzzing is repeated until then; absent: once */
  seconds?: number;
  /** the run is ended, and counts as failed, where it takes longer */
  secondsMax: number;
  /** holds a folder for each actor afterwards: `report.json`, and `output.txt` with a command for each finding that repeats it */
  reportDir: string;
  /** ends the run early: `fuzz` rejects */
  signal?: AbortSignal;
}

export interface FuzzReport {
  actor: string;
  requests: number;
  operations: number;
  /** one line each; empty when everything was as documented */
  findings: string[];
}

interface SchemathesisReport {
  complete: boolean;
  exit_code: number;
  operations: { selected: number; tested: number };
  test_cases: { generated: number };
  failures: { title: string; operations: string[] }[];
  errors: { title?: string; operations?: string[] }[];
}

/**
 * Calls every operation of the API's OpenAPI document with data that fits it and data that does not, and holds the answers
 * against the document. Resolves to what was found; throws where the run itself could not be done. Changes whatever the actor
 * may change: for an API of its own only.
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { actor, baseUrl } = options;
  const folder = join(options.reportDir, actor.name);
  const reportFile = join(folder, 'report.json');
  mkdirSync(folder, { recursive: true });
  const exitCode = await runSchemathesis(options, folder, reportFile);
  if (exitCode === null) return { actor: actor.name, requests: 0, operations: 0, findings: [`it took longer than ${options.secondsMax} s and was ended`] };
  let report: SchemathesisReport;
  try {
    report = JSON.parse(readFileSync(reportFile, 'utf8')) as SchemathesisReport;
  } catch (error) {
    throw new Error(`schemathesis ended with code ${exitCode} and left no report: see ${join(folder, 'output.txt')}.`, { cause: error });
  }
  const findings = [...report.failures, ...report.errors].map(({ title = 'error', operations = [] }) => `${title}: ${operations.join(', ')}`);
  const { selected, tested } = report.operations;
  if (tested < selected || selected === 0) findings.push(`only ${tested} of ${selected} operations were called`);
  if (exitCode !== 0 && findings.length === 0) findings.push(`schemathesis ended with code ${exitCode}: see ${join(folder, 'output.txt')}`);
  if (actor.endsSessions === true) return { actor: actor.name, requests: report.test_cases.generated, operations: tested, findings };
  const alive = await fetch(`${baseUrl}/withdrawals`, { headers: { authorization: actor.authorization } });
  await alive.arrayBuffer();
  if (alive.status !== 200) findings.push(`the session did not last (GET /withdrawals answered ${alive.status}): what ends sessions must be called by an actor of its own`);
  return { actor: actor.name, requests: report.test_cases.generated, operations: tested, findings };
}

/** Resolves to the exit code, or to null when it had to be ended. */
async function runSchemathesis(options: FuzzOptions, folder: string, reportFile: string): Promise<number | null> {
  const { actor, baseUrl, command, phases, seconds } = options;
  const args = [
    '--config-file', CONFIG, '--no-color', 'run', `${baseUrl}/docs/json`, '--url', baseUrl, '--seed', String(options.seed),
    ...ENDS_SESSIONS.flatMap((name) => [actor.endsSessions === true ? '--include-name' : '--exclude-name', name]),
    '--phases', phases.join(','), '--max-examples', String(options.examplesMax), ...(seconds === undefined ? [] : ['--max-time', String(seconds)]),
    '--request-timeout', String(REQUEST_SECONDS_MAX), '--generation-database', 'none', '--continue-on-failure', '--report', 'json', '--report-json-path', reportFile,
  ];
  const output = openSync(join(folder, 'output.txt'), 'w', 0o600);
  // Its caches stay in the folder, and of our environment it needs nothing else.
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, FUZZ_AUTHORIZATION: actor.authorization };
  const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', output, output], ...(options.signal && { signal: options.signal }) });
  closeSync(output);
  let ended = false;
  const timer = setTimeout(() => {
    ended = true;
    child.kill('SIGKILL');
  }, options.secondsMax * 1_000);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode) => resolve(exitCode ?? 2));
    });
    return ended ? null : code;
  } finally {
    clearTimeout(timer);
  }
}
