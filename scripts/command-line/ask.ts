import { createInterface } from 'node:readline';

/**
 * Puts a question to the person at the terminal, and reads one line. Empty when they close the terminal instead (Ctrl-C, Ctrl-D); null where
 * nobody can be asked.
 */
export async function ask(prompt: string, input: NodeJS.ReadableStream & { isTTY?: boolean } = process.stdin, output: NodeJS.WritableStream = process.stdout): Promise<string | null> {
  if (!input.isTTY) return null;
  const terminal = createInterface({ input, output, prompt });
  try {
    terminal.prompt();
    // `question` of node:readline/promises ends by an exception, or never, when the terminal is closed.
    return await new Promise((resolve) => {
      terminal.once('line', resolve);
      terminal.once('close', () => resolve(''));
    });
  } finally {
    terminal.close();
  }
}
