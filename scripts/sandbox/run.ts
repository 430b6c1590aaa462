import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { minimalEnv } from '../stack/child-spec.ts';
import { infrastructureSpecs } from '../stack/infrastructure.ts';
import { writeAddresses, forgetAddresses, type SandboxAddresses } from '../stack/lock.ts';
import { openLog, tailLog } from '../stack/log-file.ts';
import { PROJECT_ROOT } from '../stack/paths.ts';
import { INFRASTRUCTURE, ROLES } from '../stack/privileges.ts';
import type { Progress } from '../command-line/progress.ts';
import { ensureSecrets } from '../stack/secrets.ts';
import { Supervisor, type Log } from '../stack/supervisor.ts';
import { UserError } from '../command-line/user-error.ts';
import { apiUrl, codecUrl, type SandboxConfig } from './config.ts';
import { connectionsOf, custodyEnv, sealKeyOf, temporalAccessEnv, type Connections } from './connections.ts';
import type { ProvisionInput, ProvisionMessage } from './provision.ts';
import { askReady } from './ready.ts';
import { roleSpecs } from './roles.ts';

const READY_TIMEOUT_MS = 120_000;
const PROVISION_TIMEOUT_MS = 180_000;

/** The order things are stopped in: who uses before who is used. */
export const STOP_ORDER: readonly (readonly string[])[] = [ROLES, INFRASTRUCTURE];

export interface RunningSandbox {
  readonly addresses: SandboxAddresses;
  /** Resolves when everything has ended. May be called at any time, also while starting. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts the parts, provisions, starts the roles, and resolves once `/ready` says so. Installs must be done, and the
 * supervisor's lock held. `onSupervisor` is handed the way to stop before anything starts. Throws UserError; the caller
 * then stops. `through` may put something between the roles and their parts; provisioning goes straight to them.
 */
export async function runSandbox(
  config: SandboxConfig,
  progress: Progress,
  log: Log,
  onStop: (stop: () => Promise<void>) => void,
  through: (connections: Connections) => Connections | Promise<Connections> = (connections) => connections,
): Promise<RunningSandbox> {
  const { paths } = config;
  const supervisor = new Supervisor(paths, log);
  const stopped = new AbortController();
  const stop = async (): Promise<void> => {
    stopped.abort();
    await supervisor.stop(STOP_ORDER);
    forgetAddresses(paths);
  };
  onStop(stop);
  ensureSecrets(paths.secrets);

  const { specs, urls } = infrastructureSpecs(config.parts, paths, config.ports);
  const connections = connectionsOf(config, urls);
  const addresses: SandboxAddresses = {
    baseUrl: apiUrl(config),
    temporalUiUrl: connections.temporalUiUrl,
    codecUrl: codecUrl(config),
    credentialsFile: paths.credentialsFile,
    logsDir: paths.logs,
  };
  writeAddresses(paths, addresses);
  const started = await Promise.allSettled(
    specs.map(async ({ title, spec }) => await progress.step(`${title} runs`, async () => await supervisor.start(spec))),
  );
  throwFirst(started);

  await provision(config, connections, progress, stopped.signal);
  log('INFO', 'provisioned');

  const reached = await through(connections);
  const roles = await Promise.allSettled(
    roleSpecs(config, reached).map(async (spec) => await progress.step(`${spec.name} runs`, async () => await supervisor.start(spec))),
  );
  throwFirst(roles);
  const state = await progress.step('Everything ready', async () => await waitForReady(addresses.baseUrl, join(paths.logs, 'api-server.log')));
  if (state === 'recovery-due') {
    log('WARN', 'the database is behind the chain or Temporal: nothing is accepted or signed until "npm run recover" has run');
    await progress.step('The database is behind: nothing is accepted or signed. See: npm run recover -- --dry-run', async () => undefined);
  }
  return { addresses, stop };
}

function throwFirst(results: readonly PromiseSettledResult<void>[]): void {
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function waitForReady(baseUrl: string, logFile: string): Promise<'ready' | 'recovery-due'> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const answer = await askReady(baseUrl);
    if (answer === 'ready' || answer === 'recovery-due') return answer;
    if (Date.now() > deadline) throw new UserError(`Not ready after ${READY_TIMEOUT_MS / 1000} s: ${answer.notReady}. See ${logFile}.`, { logFile });
    await sleep(250);
  }
}

/**
 * Runs the provisioning in a process of its own: it handles key material, which then never enters the long-lived
 * supervisor.
 */
async function provision(config: SandboxConfig, connections: Connections, progress: Progress, stopped: AbortSignal): Promise<void> {
  const logFile = join(config.paths.logs, 'provision.log');
  const input: ProvisionInput = {
    stateDir: config.paths.root,
    settingsFile: config.settingsFile,
    chainId: config.chainId,
    embeddedChain: config.parts.includes('chain'),
    baseUrl: apiUrl(config),
    databaseUrl: connections.databaseUrl,
    redisUrl: connections.redisUrl,
    temporalAddress: connections.temporalAddress,
    temporalNamespace: config.temporalNamespace,
    temporalRetentionDays: config.temporalRetentionDays,
    rpcUrl: connections.rpcUrl,
  };
  const output = openLog(logFile);
  const child = spawn(process.execPath, [fileURLToPath(new URL('./provision-main.ts', import.meta.url))], {
    cwd: PROJECT_ROOT,
    env: { ...minimalEnv(), ...custodyEnv(config, connections), ...temporalAccessEnv(config), SEAL_KEY: sealKeyOf(config) },
    stdio: ['ignore', output, output, 'ipc'],
    detached: true,
  });
  closeSync(output);
  const timer = setTimeout(() => child.kill('SIGKILL'), PROVISION_TIMEOUT_MS);
  const kill = (): boolean => child.kill('SIGKILL');
  stopped.addEventListener('abort', kill);
  const steps = new Map<string, PromiseWithResolvers<void>>();
  const shown: Promise<void>[] = [];
  let reason: string | undefined;
  child.on('message', (message: ProvisionMessage) => {
    if (message.type === 'begin') {
      const step = Promise.withResolvers<void>();
      steps.set(message.title, step);
      shown.push(progress.step(message.title, async () => await step.promise));
    } else if (message.type === 'end') steps.get(message.title)?.resolve();
    else reason = message.reason;
  });
  child.send(input);
  const how = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`));
  });
  clearTimeout(timer);
  stopped.removeEventListener('abort', kill);
  for (const step of steps.values()) step.reject(new Error('not completed'));
  await Promise.allSettled(shown);
  if (how === undefined) return;
  throw new UserError(`The sandbox could not be set up: ${reason ?? how}. See ${logFile}${reason === undefined ? `, which ends:\n${tailLog(logFile)}` : '.'}`, { logFile });
}
