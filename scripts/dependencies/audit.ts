import { spawnSync } from 'node:child_process';
import { PROJECT_ROOT } from '../stack/paths.ts';

/** `unasked`: the registry was not reached, or does not answer this question; nothing is known then. */
export type Answer = { kind: 'clean'; detail: string } | { kind: 'found'; detail: string } | { kind: 'unasked'; detail: string };

/** How a command of npm ended: its exit code, what it wrote for programs and what it wrote for people. */
export interface NpmResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

const TIMEOUT_MS = 120_000;

export function runNpm(args: readonly string[]): NpmResult {
  const { status, stdout, stderr, error } = spawnSync('npm', args, { cwd: PROJECT_ROOT, encoding: 'utf8', timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 });
  if (error && !('code' in error && error.code === 'ETIMEDOUT')) throw new Error(`npm could not be run: ${error.message}`, { cause: error });
  return { code: status, stdout, stderr };
}

/** What `npm audit --json` says of known vulnerabilities. */
export function readVulnerabilities({ code, stdout, stderr }: NpmResult): Answer {
  const report = parsed(stdout);
  const counts = report?.metadata?.vulnerabilities;
  if (counts === undefined) return { kind: 'unasked', detail: firstError(report?.message, stderr) };
  const found = Object.entries(counts).filter(([severity, count]) => severity !== 'total' && count > 0);
  if (found.length === 0 && code === 0) return { kind: 'clean', detail: 'no known vulnerability' };
  return { kind: 'found', detail: `${found.map(([severity, count]) => `${count} ${severity}`).join(', ')}: ${Object.keys(report?.vulnerabilities ?? {}).join(', ')}` };
}

/** What `npm audit signatures --json` says of the registry's signatures on what is installed. */
export function readSignatures({ code, stdout, stderr }: NpmResult): Answer {
  const report = parsed(stdout);
  if (report?.invalid === undefined) return { kind: 'unasked', detail: firstError(report?.message ?? report?.error?.summary, stderr) };
  const wrong = [...report.invalid.map(({ name = '?' }) => `${name} (invalid)`), ...(report.missing ?? []).map(({ name = '?' }) => `${name} (missing)`)];
  return wrong.length === 0 && code === 0 ? { kind: 'clean', detail: 'every signature holds' } : { kind: 'found', detail: wrong.join(', ') };
}

interface Report {
  message?: string;
  error?: { summary?: string };
  metadata?: { vulnerabilities?: Record<string, number> };
  vulnerabilities?: Record<string, unknown>;
  invalid?: { name?: string }[];
  missing?: { name?: string }[];
}

function parsed(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Without addresses: which registry it is stands in npm's own settings. */
function firstError(message: string | undefined, stderr: string): string {
  const line = message || (stderr.split('\n').find((each) => /^npm (error|ERR!)/.test(each)) ?? 'npm gave no answer');
  return line.replace(/^npm (error|ERR!) /, '').replaceAll(/https?:\/\/\S+/g, 'the registry');
}
