import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { assertChainOfState } from './sandbox/chain-of-state.ts';
import { portsInUse, sandboxConfig, type SandboxConfig } from './sandbox/config.ts';
import { checkOwnParts, hasOwnParts } from './sandbox/own-parts.ts';
import { runSandbox, STOP_ORDER } from './sandbox/run.ts';
import { summary } from './sandbox/summary.ts';
import { waitForRunning } from './sandbox/wait-for-running.ts';
import { killRunningCommands } from './stack/command.ts';
import { installParts } from './stack/infrastructure.ts';
import { acquireSupervisorLock, releaseSupervisorLock, runningSupervisor, type SandboxAddresses } from './stack/lock.ts';
import { openLog } from './stack/log-file.ts';
import { makeStateDir } from './stack/paths.ts';
import { assertPortsFree, PORT_VARIABLES } from './stack/ports.ts';
import type { ProcessIdentity } from './stack/process-identity.ts';
import { eventProgress, terminalView, type Progress, type ProgressEvent } from './command-line/progress.ts';
import { stopLeftovers, type Log } from './stack/supervisor.ts';
import { supervisorLog } from './stack/supervisor-log.ts';
import { oneLine, UserError } from './command-line/user-error.ts';

const HELP = `Usage: npm start [-- --detach]

Sets up and runs the withdrawal engine with everything it needs: database, Redis, Temporal, a chain with test tokens,
a secret store, the API and the workers. State is kept in .sandbox/; a later start continues with it.

  --detach   return once everything is ready and keep it running in the background ("npm stop" ends it)
  --help     this text

A part is not started where its variable points elsewhere:
  DATABASE_URL, REDIS_URL, TEMPORAL_ADDRESS, POLYGON_RPC_URL (with POLYGON_CHAIN_ID), AWS_REGION / AWS_ENDPOINT_URL

Ports:
${Object.values(PORT_VARIABLES)
  .map(({ variable, default: port, what }) => `  ${variable.padEnd(18)} ${String(port).padEnd(6)} ${what}`)
  .join('\n')}

Others: HOST (of the API, default 127.0.0.1), TRUSTED_PROXIES (load balancers in front of it, as CIDR ranges), SETTINGS_FILE
(default docker/settings/sandbox.json), SANDBOX_DIR (default .sandbox), LOG_LEVEL, TEMPORAL_PAYLOAD_KEYS (default: one made here). With a Temporal of your own: TEMPORAL_NAMESPACE,
TEMPORAL_API_KEY or TEMPORAL_API_KEY_FILE, TEMPORAL_TLS, TEMPORAL_TLS_SERVER_CA_CERT_PATH, TEMPORAL_TLS_CLIENT_CERT_PATH,
TEMPORAL_TLS_CLIENT_KEY_PATH, TEMPORAL_TLS_SERVER_NAME, and CODEC_UI_ORIGINS (where its Web UI is).
`;

/** 128 + SIGINT, as a shell reports it. */
const INTERRUPTED = 130;
const CLEARING_MS = 3_000;

/** What a supervisor in the background tells the command that launched it. */
type Report =
  | { readonly type: 'progress'; readonly event: ProgressEvent }
  | { readonly type: 'ready'; readonly addresses: SandboxAddresses }
  | { readonly type: 'running'; readonly supervisor: ProcessIdentity }
  | { readonly type: 'failed'; readonly message: string };

/** What can be seen to be wrong is told before minutes are spent on installing. */
async function prepare(config: SandboxConfig, progress: Progress): Promise<void> {
  assertChainOfState(config.paths, config.parts.includes('chain') ? 'embedded' : 'own');
  if (hasOwnParts(config)) await progress.step('Parts of your own can be used', async () => await checkOwnParts(config));
  await installParts(config.parts, config.paths, progress);
}

/** Under the lock: clears what a killed run left, then starts everything. */
async function supervise(config: SandboxConfig, progress: Progress, log: Log, onStop: (stop: () => Promise<void>) => void): Promise<SandboxAddresses> {
  const left = await progress.step('Nothing of an earlier run in the way', async () => await stopLeftovers(config.paths, STOP_ORDER));
  if (left.length > 0) log('WARN', `stopped what an earlier run had left behind: ${left.join(', ')}`);
  await assertPortsFree(config.ports, portsInUse(config), config.apiHost);
  return (await runSandbox(config, progress, log, onStop)).addresses;
}

function failureText(error: unknown, log: Log, logFile: string): string {
  log('ERROR', 'the start failed', error);
  return error instanceof UserError ? error.message : `Something unexpected went wrong: ${oneLine(error)}. The details are in ${logFile}.`;
}

/**
 * Holds the lock for as long as the sandbox runs, and stops it on SIGINT, SIGTERM or SIGHUP, also in the middle of the
 * start. Resolves to the exit code.
 */
async function runUntilStopped(
  config: SandboxConfig,
  progress: Progress,
  tell: {
    readonly running: (supervisor: ProcessIdentity) => Promise<number>;
    readonly ready: (addresses: SandboxAddresses) => void;
    readonly stopping: () => void;
    readonly failed: (message: string) => void;
  },
  install: boolean,
): Promise<number> {
  const logFile = join(config.paths.logs, 'supervisor.log');
  const holder = acquireSupervisorLock(config.paths);
  if (holder !== undefined) return await tell.running(holder);
  const log = supervisorLog(logFile);
  let stop: (() => Promise<void>) | undefined;
  let stopRequested = false;
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (stopRequested) return;
        stopRequested = true;
        log('INFO', `${signal}: stopping`);
        tell.stopping();
        killRunningCommands();
        resolve();
      });
    }
  });
  log('INFO', `starting (pid ${process.pid})`);
  const started = (async () => {
    if (install) await prepare(config, progress);
    if (stopRequested) return;
    const addresses = await supervise(config, progress, log, (handle) => {
      stop = handle;
    });
    if (stopRequested) return;
    log('INFO', 'ready');
    tell.ready(addresses);
  })();
  let code = 0;
  try {
    const failure = await Promise.race([started.then(() => undefined, (error: unknown) => ({ error })), signalled]);
    if (failure !== undefined && !stopRequested) {
      code = 1;
      tell.failed(failureText(failure.error, log, logFile));
    } else {
      await signalled;
    }
    await stop?.();
    // A start that was interrupted ends by itself now; its complaint about that is no news.
    await started.catch(() => undefined);
    await stop?.();
    log('INFO', 'stopped');
  } finally {
    releaseSupervisorLock(config.paths);
  }
  return code;
}

async function startInForeground(config: SandboxConfig): Promise<number> {
  const view = terminalView(process.stdout);
  const progress = eventProgress(view.show);
  const code = await runUntilStopped(
    config,
    progress,
    {
      running: async (supervisor) => await joinRunning(config, supervisor),
      ready: (addresses) => process.stdout.write(summary(addresses, false)),
      stopping: () => {
        view.close();
        process.stdout.write('\nStopping everything (up to half a minute) …\n');
      },
      failed: (message) => {
        view.close();
        process.stderr.write(`\n${message}\n`);
      },
    },
    true,
  );
  view.close();
  if (code === 0 && runningSupervisor(config.paths) === undefined) process.stdout.write('Stopped.\n');
  return code;
}

async function joinRunning(config: SandboxConfig, supervisor: ProcessIdentity): Promise<number> {
  process.stdout.write(`Already running (process ${supervisor.pid}); waiting until it is ready.\n`);
  process.stdout.write(summary(await waitForRunning(config.paths, supervisor), true));
  return 0;
}

/** Installs are process groups of their own, which Ctrl-C or a SIGTERM would leave running. False where one came. */
async function preparedUninterrupted(config: SandboxConfig, progress: Progress): Promise<boolean> {
  const signalled = Promise.withResolvers<void>();
  const interrupt = (): void => {
    killRunningCommands();
    signalled.resolve();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  const prepared = prepare(config, progress);
  const wasInterrupted = await Promise.race([prepared.then(() => false), signalled.promise.then(() => true)]);
  // What an ended install had begun is cleared by whoever ran it.
  if (wasInterrupted) await Promise.race([prepared.catch(() => undefined), sleep(CLEARING_MS)]);
  for (const signal of signals) process.off(signal, interrupt);
  return !wasInterrupted;
}

async function startDetached(config: SandboxConfig): Promise<number> {
  const holder = runningSupervisor(config.paths);
  if (holder !== undefined) return await joinRunning(config, holder);
  const view = terminalView(process.stdout);
  if (!(await preparedUninterrupted(config, eventProgress(view.show)))) {
    view.close();
    process.stderr.write('\nStopped before anything was started.\n');
    return INTERRUPTED;
  }
  const outputFile = join(config.paths.logs, 'supervisor.log');
  const output = openLog(outputFile);
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), '--supervise'], {
    stdio: ['ignore', output, output, 'ipc'],
    detached: true,
  });
  closeSync(output);
  const interrupt = (): boolean => child.kill('SIGTERM');
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const report = await new Promise<Exclude<Report, { type: 'progress' }>>((resolve) => {
    child.on('message', (message: Report) => {
      // Ids of the two processes must not meet in one view.
      if (message.type === 'progress') view.show({ ...message.event, id: message.event.id + 1_000 });
      else resolve(message);
    });
    child.once('error', (error) => resolve({ type: 'failed', message: `The supervisor could not be run: ${error.message}` }));
    child.once('exit', (code, signal) =>
      resolve({ type: 'failed', message: `The supervisor ended (${signal ?? `code ${code}`}) before everything was ready. See ${outputFile}.` }),
    );
  });
  process.off('SIGINT', interrupt);
  process.off('SIGTERM', interrupt);
  view.close();
  // What had started is stopped before a failure is returned: the next command finds the ports free.
  if (report.type === 'failed' && child.pid !== undefined) await ended;
  if (child.connected) child.disconnect();
  child.unref();
  if (report.type === 'running') return await joinRunning(config, report.supervisor);
  if (report.type === 'failed') {
    process.stderr.write(`\n${report.message}\n`);
    return 1;
  }
  process.stdout.write(summary(report.addresses, true));
  return 0;
}

// The launcher may be gone at any time; what it is told is then lost, and no matter.
function tellLauncher(message: Report): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** The process in the background. */
async function superviseInBackground(config: SandboxConfig): Promise<number> {
  process.on('disconnect', () => undefined);
  return await runUntilStopped(
    config,
    eventProgress((event) => tellLauncher({ type: 'progress', event })),
    {
      running: async (supervisor) => {
        tellLauncher({ type: 'running', supervisor });
        return 0;
      },
      ready: (addresses) => tellLauncher({ type: 'ready', addresses }),
      stopping: () => undefined,
      failed: (message) => tellLauncher({ type: 'failed', message }),
    },
    false,
  );
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { detach: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false }, supervise: { type: 'boolean', default: false } } });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const config = sandboxConfig();
  makeStateDir(config.paths);
  if (values.supervise) return await superviseInBackground(config);
  return values.detach ? await startDetached(config) : await startInForeground(config);
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  if (error instanceof UserError) process.stderr.write(`\n${error.message}\n`);
  else if (isUsage) process.stderr.write(`${oneLine(error)}\n\n${HELP}`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
// Connections that a failed start left half open must not keep a finished command alive.
process.exit();
