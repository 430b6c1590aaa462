import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Settings } from '../domain/settings.ts';
import { fuzz, type FuzzReport } from '../tests/fuzz/run.ts';
import { startSandbox } from '../tests/harness/sandbox.ts';
import type { Credentials } from './sandbox/credentials.ts';
import { PROJECT_ROOT } from './stack/paths.ts';
import { eventProgress, terminalView } from './command-line/progress.ts';
import { ensureSchemathesisInstalled } from './stack/schemathesis.ts';

const HELP = `Usage: npm run fuzz [-- --seed N] [--minutes M] [--reports FOLDER]

Runs the whole engine on parts, ports and state of its own, and lets schemathesis call every operation of its OpenAPI document,
first as a user and then as an admin, and last what ends the session that calls it: with examples, with data at and beyond every bound of the schemas, with random data, and in
sequences that use what was answered before. No answer may be a 5xx, and each must have a status, content type and body that the
document knows; what the schemas refuse must be refused. What is left out, and why: tests/fuzz/schemathesis.toml.
Never touches .sandbox/.

  --seed N          which data is drawn (default: a new seed, which is printed)
  --minutes M       how long, for all together, at most 16 (default 8); starting comes on top
  --reports FOLDER  where the reports are kept (default .build/fuzz/SEED)

Exits 0 when nothing was found; 1 when something was; 2 when the run could not be done.`;

/** A session ends after ten minutes. */
const MINUTES_MAX = 16;
const EXAMPLES_MAX = 50;
/** Who calls, and which part of the time is theirs; last who calls what ends sessions. */
const ACTORS = [
  { name: 'user', as: 'user', share: 0.45, endsSessions: false },
  { name: 'admin', as: 'admin', share: 0.45, endsSessions: false },
  { name: 'leaving', as: 'approver', share: 0.1, endsSessions: true },
] as const;

function numberFrom(name: string, text: string, fits: (value: number) => boolean): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || !fits(value)) throw new Error(`--${name} takes another value than "${text}": see --help.`);
  return value;
}

/** The sandbox's own, but for its limits: what is refused unread is not tested. */
function writeSettings(folder: string): string {
  const settings = JSON.parse(readFileSync(join(PROJECT_ROOT, 'docker/settings/sandbox.json'), 'utf8')) as Settings;
  const rateLimits = { ...settings.rateLimits, requestsPerSecond: 100_000, signInPerMinute: 100_000 };
  const file = join(folder, 'settings.json');
  writeFileSync(file, JSON.stringify({ ...settings, rateLimits }));
  return file;
}

async function signIn(baseUrl: string, login: { email: string; password: string }): Promise<string> {
  const answer = await fetch(`${baseUrl}/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email: login.email, password: login.password }) });
  if (!answer.ok) throw new Error(`the sandbox's own account could not sign in (${answer.status})`);
  return `Bearer ${((await answer.json()) as { accessToken: string }).accessToken}`;
}

function show({ actor, requests, operations, findings }: FuzzReport): void {
  console.log(`${findings.length === 0 ? '✔' : '✘'} as ${actor}: ${requests} requests to ${operations} operations, ${findings.length} findings`);
  for (const finding of findings) console.log(`    ${finding}`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { seed: { type: 'string' }, minutes: { type: 'string', default: '8' }, reports: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } } });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const seed = values.seed === undefined ? randomInt(1, 2 ** 31) : numberFrom('seed', values.seed, (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 31);
  const minutes = numberFrom('minutes', values.minutes, (value) => value > 0 && value <= MINUTES_MAX);
  const reportDir = resolve(values.reports ?? join(PROJECT_ROOT, '.build', 'fuzz', String(seed)));
  mkdirSync(reportDir, { recursive: true });
  console.log(`Fuzz run with seed ${seed}: ${minutes} min, reports in ${reportDir}`);
  const stateDir = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const view = terminalView(process.stdout);
  let stop: (() => Promise<void>) | undefined;
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  try {
    const progress = eventProgress(view.show);
    const command = await progress.step('schemathesis installed', () => ensureSchemathesisInstalled(join(reportDir, 'install.log')));
    const sandbox = await startSandbox({ SETTINGS_FILE: writeSettings(stateDir) }, { stateDir, progress });
    stop = () => sandbox.stop();
    const credentials = JSON.parse(readFileSync(join(stateDir, 'credentials.json'), 'utf8')) as Credentials;
    const { baseUrl } = credentials;
    const reports: FuzzReport[] = [];
    for (const { name, as, share, endsSessions } of ACTORS) {
      const actor = { name, endsSessions, authorization: await signIn(baseUrl, credentials[as]) };
      const seconds = Math.ceil(minutes * 60 * share);
      const report = await fuzz({ baseUrl, command, actor, seed, phases: ['examples', 'coverage', 'fuzzing', 'stateful'], examplesMax: EXAMPLES_MAX, seconds, secondsMax: seconds + 90, reportDir, signal: stopping.signal });
      show(report);
      reports.push(report);
    }
    return reports.every(({ findings }) => findings.length === 0) ? 0 : 1;
  } finally {
    view.close();
    await stop?.();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
