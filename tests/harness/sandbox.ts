import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Credentials } from '../../scripts/demo/api.ts';
import { sandboxConfig } from '../../scripts/sandbox/config.ts';
import { runSandbox } from '../../scripts/sandbox/run.ts';
import { freePorts, installParts } from '../../scripts/stack/infrastructure.ts';
import { PORT_VARIABLES, type PortName } from '../../scripts/stack/ports.ts';
import { eventProgress } from '../../scripts/stack/progress.ts';
import type { Role } from '../../scripts/stack/privileges.ts';

export interface TestSandbox {
  stateDir: string;
  credentials: Credentials & { wallets: string[]; databaseUrl: string; redisUrl: string; admin: { email: string; password: string } };
  pidOf(role: Role): number;
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

/** The whole stack as `npm start` runs it: every role a process under the supervisor, which lives in this process. */
export async function startSandbox(env: Record<string, string> = {}): Promise<TestSandbox> {
  const stateDir = mkdtempSync(join(tmpdir(), 'sandbox-'));
  const config = sandboxConfig({ ...(await sandboxEnvironment(stateDir)), ...env });
  const progress = eventProgress(() => undefined);
  await installParts(config.parts, config.paths, progress);
  const log: string[] = [];
  let stopAll: (() => Promise<void>) | null = null;
  const stop = async () => {
    await stopAll?.();
    if (process.env['KEEP_SANDBOX'] === undefined) rmSync(stateDir, { recursive: true, force: true });
  };
  try {
    await runSandbox(config, progress, (level, message) => log.push(`${level} ${message}`), (handle) => {
      stopAll = handle;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    stateDir,
    credentials: JSON.parse(readFileSync(config.paths.credentialsFile, 'utf8')) as TestSandbox['credentials'],
    pidOf: (role) => Number(readFileSync(join(config.paths.run, `${role}.pid`), 'utf8')),
    log,
    stop,
  };
}
