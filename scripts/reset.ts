import { clearState } from './sandbox/clear-state.ts';
import { stopRunning } from './sandbox/stop-running.ts';
import { defaultStatePaths } from './stack/paths.ts';
import { plainCommand } from './command-line/plain-command.ts';

const HELP = `Usage: npm run reset

Stops the sandbox if it runs, then clears all of its state in .sandbox/ (or SANDBOX_DIR): database, chain, workflows, keys
and accounts. The next "npm start" begins anew. Keys of wallets on a chain of your own (POLYGON_RPC_URL) are set aside there instead.
`;

await plainCommand(HELP, 'The reset failed', async (progress) => {
  const paths = defaultStatePaths();
  await progress.step('Everything stopped', async (note) => await stopRunning(paths, note));
  const kept = await progress.step(`State cleared: ${paths.root}`, async () => clearState(paths, new Date()));
  return kept && `The keys of the wallets on your chain were set aside: ${kept}. Delete them once nothing is left in those wallets.`;
});
