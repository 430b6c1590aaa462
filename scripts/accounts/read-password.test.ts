import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { passwordFrom, promptForPassword } from './read-password.ts';

async function* chunksOf(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

/** A terminal where somebody types a line at each question. */
function terminalWith(...lines: string[]): { input: PassThrough; output: PassThrough; shown: () => string } {
  const [input, output] = [new PassThrough(), new PassThrough()];
  let shown = '';
  output.on('data', (chunk: Buffer) => {
    shown += chunk.toString('utf8');
    if (!shown.endsWith(': ')) return;
    const line = lines.shift();
    if (line === undefined) input.end();
    else input.write(`${line}\r`);
  });
  return { input, output, shown: () => shown };
}

describe('passwordFrom', () => {
  it.each([[['correct horse\n']], [['correct ', 'horse\r\n']], [['correct horse']]])('reads %j', async (texts) => {
    expect(await passwordFrom(chunksOf(...texts))).toBe('correct horse');
  });
  it.each([[['']], [['\n']], [['one\ntwo\n']], [['x'.repeat(1_025)]]])('refuses what is no one password', async (texts) => {
    await expect(passwordFrom(chunksOf(...texts))).rejects.toMatchObject({ name: 'UsageError' });
  });
});

describe('promptForPassword', () => {
  it('asks twice, and shows nothing of what is typed', async () => {
    const { input, output, shown } = terminalWith('correct horse', 'correct horse');
    expect(await promptForPassword(input, output)).toBe('correct horse');
    expect(shown()).toBe('New password: \nOnce more: \n');
  });

  it('refuses two that differ, and no answer', async () => {
    const differing = terminalWith('correct horse', 'correct house');
    await expect(promptForPassword(differing.input, differing.output)).rejects.toThrow('the two passwords differ');
    const silent = terminalWith();
    await expect(promptForPassword(silent.input, silent.output)).rejects.toThrow('no password was given');
    const interrupted = terminalWith('\u0003');
    await expect(promptForPassword(interrupted.input, interrupted.output)).rejects.toThrow('no password was given');
  });
});
