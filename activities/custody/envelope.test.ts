import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openSealedKey, parseSealedKey, SealedKeyError, sealPrivateKey, serializeSealedKey, type SealedKey } from './envelope.ts';

const keyEncryptionKey = randomBytes(32);
const privateKey = randomBytes(32);
const identity = {
  keyId: 'withdrawal-engine/80002/0x52908400098527886e0f7030069857d2e4169ee7',
  chainId: 80002,
  address: '0x52908400098527886E0F7030069857D2E4169EE7',
};
const sealed = sealPrivateKey({ ...identity, privateKey, keyEncryptionKey, version: 1 });

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const hexDigits = fc.array(fc.constantFrom(...'0123456789abcdefABCDEF'.split('')), { minLength: 40, maxLength: 40 });
const identities = fc.record({
  keyId: fc.stringMatching(/^[A-Za-z0-9/_+=.@-]{1,255}$/),
  chainId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  address: hexDigits.map((digits) => `0x${digits.join('')}`),
});
const versions = fc.integer({ min: 1, max: 1_000_000 });

/** Runs the opening and returns the typed error, failing on any other end. */
function failureOf(open: () => Buffer): SealedKeyError {
  try {
    open();
  } catch (error) {
    if (error instanceof SealedKeyError) return error;
    throw error;
  }
  throw new Error('it opened');
}

/** Key material in any usual spelling. */
const spellings = (secret: Buffer): string[] => [secret.toString('hex'), secret.toString('base64'), secret.toString('latin1')];

function expectNoSecret(error: SealedKeyError): void {
  const seen = `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`;
  for (const secret of [...spellings(privateKey), ...spellings(keyEncryptionKey), sealed.ciphertext, sealed.wrappedDataKey.ciphertext]) {
    expect(seen).not.toContain(secret);
  }
}

/** Every string and number of the blob, by path. */
const FIELDS = [
  ['version'], ['keyId'], ['chainId'], ['address'], ['iv'], ['tag'], ['ciphertext'],
  ['wrappedDataKey', 'iv'], ['wrappedDataKey', 'tag'], ['wrappedDataKey', 'ciphertext'],
] as const;

type Mutable = Record<string, unknown>;

function withField(path: readonly string[], change: (old: unknown) => unknown): SealedKey {
  const copy = structuredClone(sealed) as unknown as Mutable;
  const parent = (path.length === 2 ? copy[path[0] as string] : copy) as Mutable;
  const last = path.at(-1) as string;
  parent[last] = change(parent[last]);
  return copy as unknown as SealedKey;
}

describe('sealPrivateKey and openSealedKey', () => {
  it('round-trip any key under any identity, through JSON', () => {
    fc.assert(
      fc.property(bytes32, bytes32, identities, versions, (key, kek, owner, version) => {
        const blob = serializeSealedKey(sealPrivateKey({ ...owner, privateKey: key, keyEncryptionKey: kek, version }));
        expect(blob).not.toContain(key.toString('hex'));
        expect(openSealedKey({ sealedKey: parseSealedKey(blob), keyEncryptionKey: kek, expected: owner })).toEqual(key);
      }),
    );
  });

  it('leave the caller’s buffers as they were', () => {
    const key = Buffer.from(privateKey);
    const kek = Buffer.from(keyEncryptionKey);
    const blob = sealPrivateKey({ ...identity, privateKey: key, keyEncryptionKey: kek, version: 1 });
    openSealedKey({ sealedKey: blob, keyEncryptionKey: kek, expected: identity });
    expect(key).toEqual(privateKey);
    expect(kek).toEqual(keyEncryptionKey);
  });

  it('never use an IV or a data key twice', () => {
    const blobs = Array.from({ length: 200 }, () => sealPrivateKey({ ...identity, privateKey, keyEncryptionKey, version: 1 }));
    const seen = blobs.flatMap((blob) => [blob.iv, blob.wrappedDataKey.iv, blob.ciphertext, blob.wrappedDataKey.ciphertext]);
    expect(new Set(seen).size).toBe(seen.length);
    expect(blobs[0]?.iv).toHaveLength(24);
  });

  it('keep the address in one spelling', () => {
    expect(sealed.address).toBe(identity.address.toLowerCase());
  });
});

const open = (sealedKey: SealedKey, changes: { keyEncryptionKey?: Buffer; expected?: typeof identity } = {}) =>
  openSealedKey({ sealedKey, keyEncryptionKey, expected: identity, ...changes });

describe('openSealedKey', () => {
  it('fails for every flipped bit of every text field, saying nothing secret', () => {
    let tried = 0;
    for (const path of FIELDS) {
      const text = path.reduce<unknown>((value, name) => (value as Mutable)[name], sealed);
      if (typeof text !== 'string') continue;
      for (let index = 0; index < text.length; index += 1) {
        for (let bit = 0; bit < 8; bit += 1) {
          const flipped = String.fromCharCode(text.charCodeAt(index) ^ (1 << bit));
          const changed = withField(path, () => text.slice(0, index) + flipped + text.slice(index + 1));
          expectNoSecret(failureOf(() => open(changed)));
          tried += 1;
        }
      }
    }
    // 66 characters of key id, 42 of address, and two boxes of 24 + 32 + 64 hex digits.
    expect(tried).toBe((66 + 42 + 2 * (24 + 32 + 64)) * 8);
  });

  it('fails for every flipped bit of the encrypted bytes themselves', () => {
    for (const path of FIELDS.slice(4)) {
      const bytes = Buffer.from(path.reduce<unknown>((value, name) => (value as Mutable)[name], sealed) as string, 'hex');
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const changed = Buffer.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        const error = failureOf(() => open(withField(path, () => changed.toString('hex'))));
        expect(error.failure).toBe('NOT_AUTHENTIC');
      }
    }
  });

  it.each([['version'], ['chainId']])('fails for every flipped bit of %s', (name) => {
    const old = sealed[name as 'version' | 'chainId'];
    for (let bit = 0; bit < 31; bit += 1) {
      const error = failureOf(() => open(withField([name], () => old ^ (1 << bit))));
      expect(error.failure).not.toBe('WRONG_KEY');
      expectNoSecret(error);
    }
  });

  it('fails where the whole blob was moved to another identity, even when its fields are rewritten to match', () => {
    fc.assert(
      fc.property(identities, versions, (other, version) => {
        fc.pre(other.keyId !== identity.keyId);
        expect(failureOf(() => open(sealed, { expected: other })).failure).toBe('OTHER_IDENTITY');
        const rewritten = { ...sealed, ...other, address: other.address.toLowerCase(), version };
        expect(failureOf(() => open(rewritten, { expected: other })).failure).toBe('NOT_AUTHENTIC');
      }),
    );
  });

  it('fails where one field of the identity differs', () => {
    for (const other of [
      { ...identity, keyId: `${identity.keyId}x` },
      { ...identity, chainId: 137 },
      { ...identity, address: '0x0000000000000000000000000000000000000001' },
    ]) {
      expect(failureOf(() => open(sealed, { expected: other })).failure).toBe('OTHER_IDENTITY');
      const rewritten = { ...sealed, ...other };
      expect(failureOf(() => open({ ...rewritten, address: rewritten.address.toLowerCase() }, { expected: other })).failure).toBe('NOT_AUTHENTIC');
    }
    expect(failureOf(() => open({ ...sealed, version: 2 })).failure).toBe('NOT_AUTHENTIC');
  });

  it('fails under any other key-encryption key, and says no secret', () => {
    fc.assert(
      fc.property(bytes32, (kek) => {
        fc.pre(!kek.equals(keyEncryptionKey));
        const error = failureOf(() => open(sealed, { keyEncryptionKey: kek }));
        expect(error.failure).toBe('NOT_AUTHENTIC');
        expectNoSecret(error);
      }),
    );
  });

  it('fails where layers of two blobs are mixed', () => {
    const other = sealPrivateKey({ ...identity, privateKey: randomBytes(32), keyEncryptionKey, version: 1 });
    expect(failureOf(() => open({ ...sealed, wrappedDataKey: other.wrappedDataKey })).failure).toBe('NOT_AUTHENTIC');
    expect(failureOf(() => open({ ...other, wrappedDataKey: sealed.wrappedDataKey })).failure).toBe('NOT_AUTHENTIC');
  });

  it('refuses a shortened tag', () => {
    expect(failureOf(() => open({ ...sealed, tag: sealed.tag.slice(0, 8) })).failure).toBe('MALFORMED');
  });

  it('opens whatever the case of the expected address', () => {
    expect(open(sealed, { expected: { ...identity, address: identity.address.toLowerCase() } })).toEqual(privateKey);
  });
});

describe('what is malformed', () => {
  const seal = (changes: object) => () =>
    sealPrivateKey({ ...identity, privateKey, keyEncryptionKey, version: 1, ...changes }) as unknown as Buffer;

  it.each([
    [{ privateKey: randomBytes(31) }],
    [{ privateKey: privateKey.toString('hex') }],
    [{ keyEncryptionKey: randomBytes(16) }],
    [{ keyId: '' }],
    [{ keyId: 'a|b' }],
    [{ keyId: 'x'.repeat(256) }],
    [{ chainId: 0 }],
    [{ chainId: 1.5 }],
    [{ address: '0x12' }],
    [{ version: 0 }],
    [{ version: Number.NaN }],
  ])('is not sealed (case %#)', (changes) => {
    expect(failureOf(seal(changes)).failure).toBe('MALFORMED');
  });

  it('is not opened with a key-encryption key of the wrong length', () => {
    expect(failureOf(() => open(sealed, { keyEncryptionKey: randomBytes(31) })).failure).toBe('MALFORMED');
  });

  it.each(['', '{', 'null', '1', '"x"', '[]', '{}', `{"private":"${privateKey.toString('hex')}`, JSON.stringify({ ...sealed, wrappedDataKey: null })])(
    'is not parsed (case %#), nor quoted',
    (text) => {
      const error = failureOf(() => parseSealedKey(text) as unknown as Buffer);
      expect(error.failure).toBe('MALFORMED');
      expectNoSecret(error);
    },
  );
});
