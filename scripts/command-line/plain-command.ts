import { parseArgs } from 'node:util';
import { eventProgress, terminalView, type Progress } from './progress.ts';
import { oneLine } from './user-error.ts';

/**
 * Runs a command that takes no arguments but `--help`: anything else is refused before it does something. Ends with 0, 1
 * when it failed (one line says why), 2 on wrong arguments.
 * @param run resolves to what to say at the end, or nothing
 */
export async function plainCommand(help: string, failed: string, run: (progress: Progress) => Promise<string | undefined>): Promise<void> {
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h', default: false } } });
    if (values.help) {
      process.stdout.write(help);
      return;
    }
  } catch (error) {
    process.stderr.write(`${oneLine(error)}\n\n${help}`);
    process.exitCode = 2;
    return;
  }
  const view = terminalView(process.stdout);
  try {
    const closing = await run(eventProgress(view.show));
    view.close();
    if (closing !== undefined) process.stdout.write(`  ${closing}\n`);
  } catch (error) {
    view.close();
    process.stderr.write(`${failed}: ${oneLine(error)}.\n`);
    process.exitCode = 1;
  }
}
