import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { UsageError } from '../command-line/exit-codes.ts';

/** The longest password is 128 characters of four bytes each. */
const INPUT_BYTES_MAX = 1_024;

/**
 * Reads a password from a pipe: everything up to its end, without a line end.
 *
 * @throws UsageError
 */
export async function passwordFrom(input: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input) {
    length += chunk.length;
    if (length > INPUT_BYTES_MAX) throw new UsageError('standard input holds more than a password');
    chunks.push(chunk);
  }
  const password = Buffer.concat(chunks).toString('utf8').replace(/\r?\n$/, '');
  if (password === '' || /[\r\n]/.test(password)) throw new UsageError('standard input must hold one password');
  return password;
}

/**
 * Asks for a new password twice, without showing it.
 *
 * @throws UsageError when the two differ, or nothing was typed
 */
export async function promptForPassword(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Promise<string> {
  const password = await ask('New password: ', input, output);
  if ((await ask('Once more: ', input, output)) !== password) throw new UsageError('the two passwords differ');
  return password;
}

async function ask(question: string, input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Promise<string> {
  output.write(question);
  // A terminal shows what the program writes back, and this one writes nothing back.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('SIGINT', () => lines.close());
      lines.once('close', () => reject(new UsageError('no password was given')));
    });
  } finally {
    lines.close();
    output.write('\n');
  }
}
