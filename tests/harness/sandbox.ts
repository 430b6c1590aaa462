import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Credentials } from '../../scripts/sandbox/credentials.ts';
import { sandboxConfig } from '../../scripts/sandbox/config.ts';
import type { Connections } from '../../scripts/sandbox/connections.ts';
import { runSandbox } from '../../scripts/sandbox/run.ts';
import { freePorts, installParts } from '../../scripts/stack/infrastructure.ts';
import { PORT_VARIABLES, type PortName } from '../../scripts/stack/ports.ts';
import { readPidFile, type ProcessIdentity } from '../../scripts/stack/process-identity.ts';
import { eventProgress, type Progress } from '../../scripts/command-line/progress.ts';
import type { ChildName, Role } from '../../scripts/stack/privileges.ts';

export interface TestSandbox {
  stateDir: string;
  credentials: Credentials;
  pidOf(role: Role): number;
  /** the child's process at this moment; undefined between a crash and the next start */
  processOf(child: ChildName): ProcessIdentity | undefined;
  /** what the supervisor logged */
  log: string[];
  stop(): Promise<void>;
}

/** The environment of a sandbox of a test's own: another state directory, other ports. */
export async function sandboxEnvironment(stateDir: string): Promise<Record<string, string>> {
  const ports = await freePorts();
  const names = Object.keys(PORT_VARIABLES) as PortName[];
  return { SANDBOX_DIR: stateDir, ...Object.fromEntries(names.map((name) => [PORT_VARIABLES[name].variable, String(ports[name])])) };
}

export interface SandboxOptions {
  /** an empty directory of the caller's, who also removes it; by default one that goes with the sandbox */
  stateDir?: string;
  /** what stands between the roles and their parts; provisioning goes straight to them */
  through?: (connections: Connections) => Connections | Promise<Connections>;
  progress?: Progress;
}

/** The whole stack as `npm start` runs it: every role a process under the supervisor, which lives in this process. */
export async function startSandbox(env: Record<string, string> = {}, options: SandboxOptions = {}): Promise<TestSandbox> {
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'sandbox-'));
  const config = sandboxConfig({ ...(await sandboxEnvironment(stateDir)), ...env });
  const progress = options.progress ?? eventProgress(() => undefined);
  await installParts(config.parts, config.paths, progress);
  const log: string[] = [];
  let stopAll: (() => Promise<void>) | null = null;
  const stop = async () => {
    await stopAll?.();
    if (options.stateDir === undefined && process.env['KEEP_SANDBOX'] === undefined) rmSync(stateDir, { recursive: true, force: true });
  };
  try {
    const keepStop = (handle: () => Promise<void>): void => {
      stopAll = handle;
    };
    await runSandbox(config, progress, (level, message) => log.push(`${level} ${message}`), keepStop, options.through);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    stateDir,
    credentials: JSON.parse(readFileSync(config.paths.credentialsFile, 'utf8')) as TestSandbox['credentials'],
    pidOf: (role) => Number(readFileSync(join(config.paths.run, `${role}.pid`), 'utf8')),
    processOf: (child) => readPidFile(config.paths.run, child),
    log,
    stop,
  };
}
