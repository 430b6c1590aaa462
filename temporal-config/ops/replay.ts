import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { historyFromJSON, type History } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, Runtime, Worker, type BundleOptions } from '@temporalio/worker';
import { readArguments } from './arguments.ts';
import type { OpsCommand } from './command.ts';
import { OpsError } from './ops-error.ts';

/** @param bundle what the workflows of today are bundled from */
export function replayCommand(bundle: Pick<BundleOptions, 'workflowsPath' | 'workflowInterceptorModules' | 'failureConverterPath'>): OpsCommand {
  return {
    name: 'replay',
    summary: "holds exported histories against today's workflow code",
    help: `replay FILE …

"-" is standard input. Runs today's workflow code over each history, without a server and without any activity: nothing is sent, signed or booked. Says for each whether the code takes the
same steps. Exit code 1 when one does not: code like that must not be deployed while such a withdrawal is open. Sealed
histories are opened with TEMPORAL_PAYLOAD_KEYS (the sandbox's own where it is meant).`,

    async run(args, { print, payloads }) {
      const { positionals } = readArguments(args, {});
      if (positionals.length === 0) throw new OpsError('usage', 'name the files of histories that export wrote');
      const histories = positionals.map((file) => (file === '-' ? readHistory(STANDARD_INPUT_FD, 'standard input') : readHistory(file, file)));
      const logger = new DefaultLogger('ERROR');
      // What the core would log of a failed replay is said below, in one line.
      Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined), telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } } });
      const workflowBundle = await bundleWorkflowCode({ ...bundle, logger });
      let failed = 0;
      for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle, dataConverter: payloads() }, histories)) {
        if (error) failed += 1;
        print(error ? `✘ ${workflowId}: ${reasonOf(error)}` : `✔ ${workflowId}: today's code takes the same steps`);
      }
      if (failed > 0) throw new OpsError('refused', `${failed} of ${histories.length} histories do not replay: guard the change by patched(), or let these withdrawals end first`);
    },
  };
}

/** The core's own words, out of the failure it wraps them in. */
function reasonOf(error: Error): string {
  return /\[TMPRL\d+\] ([^"\\]+)/.exec(error.message)?.[1] ?? error.message.split('\n')[0] ?? 'it does not replay';
}

const STANDARD_INPUT_FD = 0;

function readHistory(from: string | number, name: string): { workflowId: string; history: History } {
  try {
    return { workflowId: basename(name, '.json'), history: historyFromJSON(JSON.parse(readFileSync(from, 'utf8'))) };
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new OpsError('usage', missing ? `there is no file ${name}` : `${name} is no history as export writes it`, { cause: error });
  }
}
