import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installParts, PARTS } from './stack/infrastructure.ts';
import { PROJECT_ROOT, statePaths } from './stack/paths.ts';
import { eventProgress, terminalView } from './command-line/progress.ts';
import { ensureSchemathesisInstalled } from './stack/schemathesis.ts';
import { ensureTestServerInstalled } from './stack/temporal-test-server.ts';

const HELP = `Usage: npm test [-- --no-coverage] [-- PATTERN …]

Installs what is missing, then runs everything against real parts on ports of their own: type check, lint with the
import borders, unit, integration and end-to-end tests. Prints coverage and fails below its thresholds.
Never touches .sandbox/.

  PATTERN        run only test files whose path contains it (without type check, lint and coverage)
  --no-coverage  skip coverage
  --help         this text`;

const require = createRequire(import.meta.url);

/** The command file of a package, whatever it exports. */
function binary(packageName: string, command = packageName): string {
  const manifest = join(PROJECT_ROOT, 'node_modules', packageName, 'package.json');
  const { bin } = require(manifest) as { bin: string | Record<string, string> };
  const file = typeof bin === 'string' ? bin : bin[command];
  if (!file) throw new Error(`${packageName} has no command ${command}`);
  return join(PROJECT_ROOT, 'node_modules', packageName, file);
}

/** Runs a command of the project's own Node and resolves to its exit code. */
async function run(title: string, file: string, args: readonly string[]): Promise<number> {
  console.log(`\n▶ ${title}`);
  const started = Date.now();
  const child = spawn(process.execPath, [file, ...args], { cwd: PROJECT_ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve(exitCode ?? 1));
  });
  console.log(`${code === 0 ? '✔' : '✘'} ${title} (${((Date.now() - started) / 1000).toFixed(0)} s)`);
  return code;
}

/** Installs what the tests run against, in a state directory that holds nothing but the install log. */
async function install(): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), 'withdrawal-install-'));
  const view = terminalView(process.stdout);
  try {
    const progress = eventProgress(view.show);
    const paths = statePaths(stateDir);
    await installParts(PARTS, paths, progress);
    await progress.step('schemathesis installed', () => ensureSchemathesisInstalled(join(paths.logs, 'install.log')));
    await progress.step('Temporal test server installed', () => ensureTestServerInstalled(join(paths.logs, 'install.log')));
  } finally {
    view.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

interface Summary {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numFailedTestSuites: number;
}

/** Runs vitest and prints its counts as the very last line. A suite that could not even be read counts as a failed test. */
async function runTests(args: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'withdrawal-test-result-'));
  const resultFile = join(folder, 'result.json');
  try {
    const code = await run('unit, integration and end-to-end tests', binary('vitest'), ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${resultFile}`, ...args]);
    const summary = JSON.parse(readFileSync(resultFile, 'utf8')) as Summary;
    const failed = Math.max(summary.numFailedTests, summary.numFailedTestSuites > 0 ? 1 : 0);
    const skipped = summary.numPendingTests > 0 ? `, ${summary.numPendingTests} skipped` : '';
    if (code !== 0 && failed === 0) console.error('\nThe tests passed, but something else did not: see above (coverage thresholds, or an unhandled error).');
    console.log(`\n${summary.numPassedTests} passed, ${failed} failed${skipped}`);
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'no-coverage': { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  await install();
  if (positionals.length > 0) return runTests(positionals);
  if ((await run('type check', binary('typescript', 'tsc'), ['--noEmit'])) !== 0) return 1;
  if ((await run('lint', binary('oxlint'), ['--type-aware', '--deny-warnings'])) !== 0) return 1;
  return runTests(values['no-coverage'] ? [] : ['--coverage']);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
