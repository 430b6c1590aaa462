import { createHmac, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { deriveKey } from './derive-key.ts';

const hmac = (key: Uint8Array, ...parts: (Uint8Array | string)[]): Buffer => parts.reduce((mac, part) => mac.update(part), createHmac('sha256', key)).digest();

it('is what RFC 5869 makes of the key and the purpose', () => {
  const from = randomBytes(32);
  const extracted = hmac(new Uint8Array(32), from);
  expect(Buffer.from(deriveKey(from, 'purpose/1'))).toEqual(hmac(extracted, 'purpose/1', Uint8Array.of(1)));
});

it('is another for another key and another purpose', () => {
  const from = randomBytes(32);
  const keys = [deriveKey(from, 'a/1'), deriveKey(from, 'a/2'), deriveKey(randomBytes(32), 'a/1')].map((key) => Buffer.from(key).toString('hex'));
  expect(new Set(keys).size).toBe(3);
});
