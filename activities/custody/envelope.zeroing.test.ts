import type * as crypto from 'node:crypto';
import { afterAll, beforeEach, expect, it, vi } from 'vitest';

// Unit files share their modules: what is mocked here must be neither loaded already nor kept for others.
vi.hoisted(() => vi.resetModules());
afterAll(() => vi.resetModules());

/** Every buffer that key material passed through: data keys as they were drawn, plaintext as it was decrypted. */
const seen = vi.hoisted(() => ({ drawn: [] as Buffer[], decrypted: [] as Buffer[] }));

vi.mock('node:crypto', async (importOriginal) => {
  const real = await importOriginal<typeof crypto>();
  return {
    ...real,
    randomBytes: (size: number) => {
      const bytes = real.randomBytes(size);
      if (size === 32) seen.drawn.push(bytes);
      return bytes;
    },
    createDecipheriv: (...args: [string, Buffer, Buffer, crypto.CipherGCMOptions]) => {
      const decipher = real.createDecipheriv(...(args as Parameters<typeof real.createDecipheriv>));
      const update = decipher.update.bind(decipher) as (data: Buffer) => Buffer;
      decipher.update = ((data: Buffer) => {
        const plaintext = update(data);
        seen.decrypted.push(plaintext);
        return plaintext;
      }) as typeof decipher.update;
      return decipher;
    },
  };
});

const { openSealedKey, sealPrivateKey } = await import('./envelope.ts');

const ZEROS = Buffer.alloc(32);
const keyEncryptionKey = Buffer.alloc(32, 7);
const privateKey = Buffer.alloc(32, 9);
const identity = { keyId: 'key', chainId: 80002, address: `0x${'ab'.repeat(20)}` };
const seal = () => sealPrivateKey({ ...identity, privateKey, keyEncryptionKey, version: 1 });

beforeEach(() => {
  seen.drawn.length = 0;
  seen.decrypted.length = 0;
});

it('zeroes the data key after sealing', () => {
  seal();
  expect(seen.drawn).toEqual([ZEROS]);
});

it('zeroes the data key after opening, and only that', () => {
  const opened = openSealedKey({ sealedKey: seal(), keyEncryptionKey, expected: identity });
  expect(seen.decrypted).toEqual([ZEROS, privateKey]);
  expect(seen.decrypted[1]).toBe(opened);
});

it('zeroes what it half opened when the tag does not hold', () => {
  const sealedKey = { ...seal(), tag: '00'.repeat(16) };
  expect(() => openSealedKey({ sealedKey, keyEncryptionKey, expected: identity })).toThrow('NOT_AUTHENTIC');
  expect(seen.decrypted).toEqual([ZEROS, ZEROS]);
});
