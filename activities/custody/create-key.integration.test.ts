import { randomBytes } from 'node:crypto';
import { SecretsManagerClient, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { computeAddress } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAwsSecretStore, type AwsSecretStore } from './aws-secret-store.ts';
import { checkKey } from './check-key.ts';
import { createKey } from './create-key.ts';
import { parseSealedKey } from './envelope.ts';
import { addressOfKeyId, keyIdPrefix } from './key-id.ts';
import { startTestSecretsManager, type TestSecretsManager } from './moto.testkit.ts';
import { rotateKey } from './rotate-key.ts';
import { SecretNotFoundError, SecretStoreRefusedError } from './secret-store.ts';

const CHAIN_ID = 80002;
const keyEncryptionKey = randomBytes(32);
let moto: TestSecretsManager;
let secretStore: AwsSecretStore;
let client: SecretsManagerClient;

beforeAll(async () => {
  moto = await startTestSecretsManager();
  secretStore = createAwsSecretStore(moto.options);
  client = new SecretsManagerClient(moto.options);
}, 90_000);
afterAll(async () => {
  secretStore?.close();
  client?.destroy();
  await moto?.stop();
});

const create = (privateKey?: Buffer, kek = keyEncryptionKey) =>
  createKey({ secretStore, keyEncryptionKey: kek, chainId: CHAIN_ID, ...(privateKey === undefined ? {} : { privateKey }) });

const check = (key: { keyId: string; address: string }, kek: Buffer) => checkKey({ ...key, chainId: CHAIN_ID, secretStore, keyEncryptionKey: kek });

describe('createKey', () => {
  it('makes a new wallet each time, named by chain and address', async () => {
    const [first, second] = [await create(), await create()];
    expect(first.address).not.toBe(second.address);
    expect(first.keyId).toBe(`withdrawal-engine/80002/${first.address.toLowerCase()}`);
    expect(addressOfKeyId(CHAIN_ID, first.keyId)).toBe(first.address);
    expect(await secretStore.list(keyIdPrefix(CHAIN_ID))).toEqual(expect.arrayContaining([first.keyId, second.keyId]));
    expect(await checkKey({ ...first, chainId: CHAIN_ID, secretStore, keyEncryptionKey })).toEqual({ version: 1 });
  });

  it('imports a key under the address it controls and leaves the caller’s buffer alone', async () => {
    const privateKey = randomBytes(32);
    const copy = Buffer.from(privateKey);
    const imported = await create(privateKey);
    expect(imported.address).toBe(computeAddress(`0x${privateKey.toString('hex')}`));
    expect(privateKey).toEqual(copy);
    const { value } = await secretStore.get(imported.keyId);
    expect(value).not.toContain(privateKey.toString('hex'));
    expect(parseSealedKey(value).address).toBe(imported.address.toLowerCase());
  });

  it('returns the same for the same key twice, and at the same time, without overwriting', async () => {
    const privateKey = randomBytes(32);
    const [first, second] = await Promise.all([create(privateKey), create(privateKey)]);
    const stored = await secretStore.get(first.keyId);
    expect(second).toEqual(first);
    expect(await create(privateKey)).toEqual(first);
    expect(await secretStore.get(first.keyId)).toEqual(stored);
  });

  it('overwrites nothing that it cannot open', async () => {
    const privateKey = randomBytes(32);
    const { keyId } = await create(privateKey);
    const stored = await secretStore.get(keyId);
    await expect(create(privateKey, randomBytes(32))).rejects.toMatchObject({ failure: 'NOT_AUTHENTIC' });
    expect(await secretStore.get(keyId)).toEqual(stored);

    await client.send(new PutSecretValueCommand({ SecretId: keyId, SecretString: 'something else' }));
    await expect(create(privateKey)).rejects.toMatchObject({ failure: 'MALFORMED' });
    expect((await secretStore.get(keyId)).value).toBe('something else');
  });

  it.each([
    ['zero', Buffer.alloc(32)],
    ['the order of the curve', Buffer.from('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141', 'hex')],
    ['31 bytes', randomBytes(31)],
  ])('refuses %s as a key', async (_what, privateKey) => {
    await expect(create(privateKey)).rejects.toMatchObject({ failure: 'MALFORMED' });
  });
});

describe('checkKey', () => {
  it('tells a missing key, and another wallet’s', async () => {
    const [mine, other] = [await create(), await create()];
    await expect(check({ keyId: `${mine.keyId}0`, address: mine.address }, keyEncryptionKey)).rejects.toBeInstanceOf(SecretNotFoundError);
    await expect(check({ keyId: mine.keyId, address: other.address }, keyEncryptionKey)).rejects.toMatchObject({ failure: 'OTHER_IDENTITY' });
  });
});

describe('rotateKey', () => {
  const newKeyEncryptionKey = randomBytes(32);
  const rotate = (key: { keyId: string; address: string }, changes = {}) =>
    rotateKey({ ...key, chainId: CHAIN_ID, secretStore, keyEncryptionKey, newKeyEncryptionKey, ...changes });

  it('seals the same key under the new key-encryption key alone, once', async () => {
    const key = await create();
    expect(await rotate(key)).toEqual({ outcome: 'ROTATED', version: 2 });
    expect(await check(key, newKeyEncryptionKey)).toEqual({ version: 2 });
    await expect(check(key, keyEncryptionKey)).rejects.toMatchObject({ failure: 'NOT_AUTHENTIC' });

    const stored = await secretStore.get(key.keyId);
    expect(await rotate(key)).toEqual({ outcome: 'ALREADY_ROTATED', version: 2 });
    expect(await secretStore.get(key.keyId)).toEqual(stored);

    const third = randomBytes(32);
    expect(await rotate(key, { keyEncryptionKey: newKeyEncryptionKey, newKeyEncryptionKey: third })).toEqual({ outcome: 'ROTATED', version: 3 });
    expect(await check(key, third)).toEqual({ version: 3 });
  });

  it('changes nothing where the old key-encryption key is wrong, or the new one is the old', async () => {
    const key = await create();
    const stored = await secretStore.get(key.keyId);
    await expect(rotate(key, { keyEncryptionKey: randomBytes(32) })).rejects.toMatchObject({ failure: 'NOT_AUTHENTIC' });
    await expect(rotate(key, { newKeyEncryptionKey: keyEncryptionKey })).rejects.toMatchObject({ failure: 'MALFORMED' });
    expect(await secretStore.get(key.keyId)).toEqual(stored);
  });

  it('keeps the old one current where the store gives back something else', async () => {
    const key = await create();
    const stored = await secretStore.get(key.keyId);
    const corrupting = { ...secretStore, replace: (name: string, value: string, options: Parameters<AwsSecretStore['replace']>[2]) => secretStore.replace(name, value.replace(/"tag":"../, '"tag":"zz'), options) };
    await expect(rotate(key, { secretStore: corrupting })).rejects.toMatchObject({ failure: 'MALFORMED' });
    expect(await secretStore.get(key.keyId)).toEqual(stored);
    expect(await check(key, keyEncryptionKey)).toEqual({ version: 1 });
  });

  it('lets one of two win, and either way the key opens', async () => {
    const key = await create();
    const keks = [randomBytes(32), randomBytes(32)] as const;
    const ends = await Promise.allSettled(keks.map((kek) => rotate(key, { newKeyEncryptionKey: kek })));
    const won = keks.filter((_kek, index) => ends[index]?.status === 'fulfilled');
    expect(won).toHaveLength(1);
    const lost = ends.find((end) => end.status === 'rejected');
    expect(lost?.reason).toSatisfy((error) => error instanceof SecretStoreRefusedError || (error as { failure?: string }).failure === 'NOT_AUTHENTIC');
    expect(await check(key, won[0] as Buffer)).toEqual({ version: 2 });
  });
});
