import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readPrivateKey } from './read-private-key.ts';

const key = randomBytes(32);
const hex = key.toString('hex');

async function* chunksOf(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

describe('readPrivateKey', () => {
  it.each([
    ['bare', [hex]],
    ['prefixed', [`0x${hex}`]],
    ['upper case', [hex.toUpperCase()]],
    ['with a line end', [`0x${hex}\r\n`]],
    ['with blanks around', [`  \t${hex}\n\n`]],
    ['in pieces', ['0', `x${hex.slice(0, 5)}`, hex.slice(5), '\n']],
  ])('reads hex %s', async (_how, texts) => {
    expect(await readPrivateKey(chunksOf(...texts))).toEqual(key);
  });

  it.each([
    ['nothing', ['']],
    ['a digit too few', [hex.slice(1)]],
    ['a digit too many', [`${hex}0`]],
    ['what is not hex', [`${hex.slice(0, 63)}g`]],
    ['a character next to the digits of ASCII', [`${hex.slice(0, 63)}:`]],
    ['a character next to the letters of ASCII', [`${hex.slice(0, 63)}@`]],
    ['two keys', [hex, '\n', hex]],
    ['too much', [' '.repeat(200), ' '.repeat(57)]],
    ['a mnemonic', ['test test test test test test test test test test test junk']],
  ])('refuses %s without quoting it', async (_what, texts) => {
    const error: unknown = await readPrivateKey(chunksOf(...texts)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'UsageError', message: expect.stringMatching(/^standard input must hold one private key/) });
    expect((error as Error).message).not.toContain(hex.slice(0, 60));
  });

  it('zeroes what it read', async () => {
    const [good, bad] = [Buffer.from(hex), Buffer.from('x'.repeat(300))];
    await readPrivateKey((async function* () { yield good; })());
    await expect(readPrivateKey((async function* () { yield bad; })())).rejects.toThrow('standard input must hold one private key');
    expect(good).toEqual(Buffer.alloc(good.length));
    expect(bad).toEqual(Buffer.alloc(bad.length));
  });
});
