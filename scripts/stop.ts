import { stopRunning } from './sandbox/stop-running.ts';
import { defaultStatePaths } from './stack/paths.ts';
import { eventProgress, terminalView } from './stack/progress.ts';
import { oneLine } from './stack/user-error.ts';

const view = terminalView(process.stdout);
try {
  const found = await eventProgress(view.show).step('Everything stopped', async (note) => await stopRunning(defaultStatePaths(), note));
  view.close();
  if (found === 'nothing') process.stdout.write('  Nothing was running.\n');
  if (found === 'leftovers') process.stdout.write('  The supervisor had been killed; what it left behind was stopped.\n');
} catch (error) {
  view.close();
  process.stderr.write(`Stopping failed: ${oneLine(error)}.\n`);
  process.exitCode = 1;
}
