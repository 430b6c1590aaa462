import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stopRunning } from './sandbox/stop-running.ts';
import { defaultStatePaths } from './stack/paths.ts';
import { eventProgress, terminalView } from './stack/progress.ts';
import { oneLine } from './stack/user-error.ts';

const paths = defaultStatePaths();
const { root, run } = paths;
const view = terminalView(process.stdout);
try {
  const progress = eventProgress(view.show);
  await progress.step('Everything stopped', async (note) => await stopRunning(paths, note));
  await progress.step(`State cleared: ${root}`, async () => {
    // SANDBOX_DIR may name any directory: only one that a start made is emptied.
    if (!existsSync(run)) return;
    for (const entry of readdirSync(root)) rmSync(join(root, entry), { recursive: true, force: true });
  });
  view.close();
} catch (error) {
  view.close();
  process.stderr.write(`The reset failed: ${oneLine(error)}.\n`);
  process.exitCode = 1;
}
