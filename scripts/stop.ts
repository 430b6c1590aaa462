import { stopRunning } from './sandbox/stop-running.ts';
import { defaultStatePaths } from './stack/paths.ts';
import { plainCommand } from './command-line/plain-command.ts';

const HELP = `Usage: npm stop

Stops the sandbox that "npm start" runs, roles before infrastructure, and waits until nothing of it is left. Its state
stays in .sandbox/ (or SANDBOX_DIR). Called with nothing running, it says so.
`;

const CLOSING = {
  stopped: undefined,
  nothing: 'Nothing was running.',
  leftovers: 'The supervisor had been killed; what it left behind was stopped.',
} as const;

await plainCommand(HELP, 'Stopping failed', async (progress) => {
  const found = await progress.step('Everything stopped', async (note) => await stopRunning(defaultStatePaths(), note));
  return CLOSING[found];
});
