import { once } from 'node:events';
import { deepestLine } from '../command-line/user-error.ts';
import { provision, type ProvisionInput, type ProvisionMessage } from './provision.ts';

/** The provisioning process: takes its input from the supervisor, tells it each step, and ends. */
function tell(message: ProvisionMessage): void {
  process.send?.(message);
}

if (process.send === undefined) {
  process.stderr.write('This script is started by "npm start".\n');
  process.exitCode = 2;
} else {
  const [input] = (await once(process, 'message')) as [ProvisionInput];
  try {
    await provision(input, async (title, action) => {
      tell({ type: 'begin', title });
      const result = await action();
      tell({ type: 'end', title });
      return result;
    });
  } catch (error) {
    console.error(error);
    tell({ type: 'failed', reason: deepestLine(error) });
    process.exitCode = 1;
  }
  process.disconnect();
}
