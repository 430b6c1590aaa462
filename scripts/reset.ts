import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stopRunning } from './sandbox/stop-running.ts';
import { defaultStatePaths } from './stack/paths.ts';
import { plainCommand } from './stack/plain-command.ts';

const HELP = `Usage: npm run reset

Stops the sandbox if it runs, then clears all of its state in .sandbox/ (or SANDBOX_DIR): database, chain, workflows, keys
and accounts. The next "npm start" begins anew.
`;

await plainCommand(HELP, 'The reset failed', async (progress) => {
  const paths = defaultStatePaths();
  await progress.step('Everything stopped', async (note) => await stopRunning(paths, note));
  await progress.step(`State cleared: ${paths.root}`, async () => {
    // SANDBOX_DIR may name any directory: only one that a start made is emptied.
    if (!existsSync(paths.run)) return;
    for (const entry of readdirSync(paths.root)) rmSync(join(paths.root, entry), { recursive: true, force: true });
  });
  return undefined;
});
