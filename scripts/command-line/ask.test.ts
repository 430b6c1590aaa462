import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ask } from './ask.ts';

function terminal() {
  return { input: Object.assign(new PassThrough(), { isTTY: true }), output: new PassThrough() };
}

describe('a question at the terminal', () => {
  it('is answered by one line', async () => {
    const { input, output } = terminal();
    const answer = ask('Go on? ', input, output);
    input.write('yes\nmore\n');
    expect(await answer).toBe('yes');
    expect(String(output.read())).toContain('Go on? ');
  });

  it('is answered by nothing when the terminal is closed', async () => {
    const { input, output } = terminal();
    const answer = ask('Go on? ', input, output);
    input.end();
    expect(await answer).toBe('');
  });

  it('is not put where nobody is', async () => {
    expect(await ask('Go on? ', new PassThrough(), new PassThrough())).toBeNull();
  });
});
