import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sealPrivateKey } from './envelope.ts';
import { addressOfPrivateKey, isPrivateKey, withPrivateKey } from './private-key.ts';

const keyEncryptionKey = randomBytes(32);
const privateKey = Buffer.from('0123456789abcdef'.repeat(4), 'hex');
const expected = { keyId: 'key', chainId: 80002, address: addressOfPrivateKey(privateKey) };
const sealedKey = sealPrivateKey({ ...expected, privateKey, keyEncryptionKey, version: 1 });

describe('withPrivateKey', () => {
  it('lends the key and zeroes it afterwards', () => {
    const lent: Buffer[] = [];
    const result = withPrivateKey({ sealedKey, keyEncryptionKey, expected }, (key) => {
      expect(key).toEqual(privateKey);
      lent.push(key);
      return 'used';
    });
    expect(result).toBe('used');
    expect(lent).toEqual([Buffer.alloc(32)]);
  });

  it('zeroes it also where its user throws', () => {
    const lent: Buffer[] = [];
    const failing = () =>
      withPrivateKey({ sealedKey, keyEncryptionKey, expected }, (key) => {
        lent.push(key);
        throw new Error('said by the test');
      });
    expect(failing).toThrow('said by the test');
    expect(lent).toEqual([Buffer.alloc(32)]);
  });

  it('lends no key of another address', () => {
    const identity = { ...expected, address: addressOfPrivateKey(randomBytes(32)) };
    const forged = sealPrivateKey({ ...identity, privateKey, keyEncryptionKey, version: 1 });
    expect(() => withPrivateKey({ sealedKey: forged, keyEncryptionKey, expected: identity }, () => expect.unreachable())).toThrow('WRONG_KEY');
  });

  it('lends nothing that is no private key', () => {
    const forged = sealPrivateKey({ ...expected, privateKey: Buffer.alloc(32), keyEncryptionKey, version: 1 });
    expect(() => withPrivateKey({ sealedKey: forged, keyEncryptionKey, expected }, () => expect.unreachable())).toThrow('WRONG_KEY');
  });
});

const bytes = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');

describe('isPrivateKey', () => {
  const order = BigInt('0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141');

  it.each([
    [0n, false],
    [1n, true],
    [order - 1n, true],
    [order, false],
    [2n ** 256n - 1n, false],
  ])('%i: %s', (value, valid) => {
    expect(isPrivateKey(bytes(value))).toBe(valid);
  });

  it('takes 32 bytes only', () => {
    expect(isPrivateKey(Buffer.alloc(31, 1))).toBe(false);
    expect(isPrivateKey(Buffer.alloc(33, 1))).toBe(false);
  });
});
