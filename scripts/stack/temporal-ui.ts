import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { minimalEnv, type ChildSpec } from './child-spec.ts';
import { goInstall } from './go.ts';
import { cacheDir } from './paths.ts';
import { UserError } from '../command-line/user-error.ts';

/** The one that the Temporal CLI of `temporal.ts` carries. */
const UI_VERSION = '2.42.1';
const INSTEAD = 'set TEMPORAL_ADDRESS to a Temporal server of your own';

export interface TemporalUiOptions {
  readonly dir: string;
  readonly port: number;
  readonly temporalPort: number;
  readonly codecPort: number;
}

const program = (): string => join(cacheDir(), `temporal-ui-${UI_VERSION}`, 'ui-server');

/** Gets Temporal's Web UI as a program of its own, built from source by Go: it is published as a container image only. */
export async function ensureTemporalUiInstalled(logFile: string, note: (text: string) => void): Promise<void> {
  if (existsSync(program())) return;
  note('built from source: up to 2 minutes on 2 cores');
  await goInstall(`github.com/temporalio/ui-server/v2/cmd/server@v${UI_VERSION}`, program(), { logFile, instead: INSTEAD, advice: `check that the Go module proxy can be reached and try again, or ${INSTEAD}` });
}

export function temporalUiUrl({ port }: Pick<TemporalUiOptions, 'port'>): string {
  return `http://127.0.0.1:${port}`;
}

/**
 * The Web UI, on 127.0.0.1. The UI inside `temporal server start-dev` takes none of these settings, so it runs as its own process.
 * Signal, cancel, terminate and reset stay: an operator needs them, and by design they pay nothing. What is off acts on many withdrawals
 * with one click (batch), puts a made-up result in place of an activity's (activity commands), or begins workflows nobody accepted.
 * These settings only hide buttons: whoever reaches Temporal's own port can do all of it.
 */
export function temporalUiSpec(options: TemporalUiOptions): ChildSpec {
  if (!existsSync(program())) throw new UserError(`The Temporal Web UI is not installed: ${INSTEAD}.`);
  const url = temporalUiUrl(options);
  return {
    name: 'temporal-ui',
    command: program(),
    args: ['--root', options.dir, '--config', '.', '--env', 'sandbox', 'start'],
    env: () => minimalEnv(),
    cwd: options.dir,
    readyTimeoutMs: 60_000,
    stopTimeoutMs: 5_000,
    exitsBeforeReadyMax: 1,
    beforeStart: async () => {
      mkdirSync(options.dir, { recursive: true, mode: 0o700 });
      // JSON is YAML as well.
      writeFileSync(join(options.dir, 'sandbox.yaml'), JSON.stringify(settingsOf(options, url), null, 2));
    },
    probe: async () => {
      const response = await fetch(`${url}/api/v1/settings`, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`the Web UI answered ${response.status}`);
    },
  };
}

function settingsOf({ port, temporalPort, codecPort }: TemporalUiOptions, url: string): object {
  const codecServer = `http://127.0.0.1:${codecPort}`;
  return {
    host: '127.0.0.1',
    port,
    temporalGrpcAddress: `127.0.0.1:${temporalPort}`,
    enableUi: true,
    defaultNamespace: 'default',
    notifyOnNewVersion: false,
    hideLogs: true,
    batchActionsDisabled: true,
    activityCommandsDisabled: true,
    startWorkflowDisabled: true,
    cors: { cookieInsecure: true, allowOrigins: [url] },
    codec: {
      endpoint: codecServer,
      includeCredentials: true,
      defaultErrorMessage: 'To read payloads, sign in with your account of the engine.',
      defaultErrorLink: `${codecServer}/sign-in`,
    },
  };
}
