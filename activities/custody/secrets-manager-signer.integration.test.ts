import { randomBytes } from 'node:crypto';
import { DeleteSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { keccak256, Transaction, Wallet } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../domain/errors.ts';
import { startTcpProxy, type TcpProxy } from '../../tests/harness/tcp-proxy.ts';
import { startTestChain, type TestChain } from '../chain/contracts/anvil.testkit.ts';
import { createAwsSecretStore, type AwsSecretStore } from './aws-secret-store.ts';
import { createKey, type CreatedKey } from './create-key.ts';
import { sealPrivateKey, serializeSealedKey } from './envelope.ts';
import { startTestSecretsManager, type TestSecretsManager } from './moto.testkit.ts';
import { rotateKey } from './rotate-key.ts';
import { createSecretsManagerSigner } from './secrets-manager-signer.ts';
import type { Signer, SignRequest, TransactionToSign } from './signer.ts';

const CHAIN_ID = 80002;
const MINUTE_MS = 60_000;
const keyEncryptionKey = randomBytes(32);

let moto: TestSecretsManager;
let proxy: TcpProxy;
let store: AwsSecretStore;
let client: SecretsManagerClient;
let chain: TestChain;
let key: CreatedKey;
let nowMs: number;
let signer: Signer;

beforeAll(async () => {
  [moto, chain] = await Promise.all([startTestSecretsManager(), startTestChain(CHAIN_ID)]);
  proxy = await startTcpProxy(moto.port);
  store = createAwsSecretStore({ ...moto.options, endpoint: `http://${proxy.address}` });
  client = new SecretsManagerClient(moto.options);
}, 90_000);
afterAll(async () => {
  store?.close();
  client?.destroy();
  await proxy?.stop();
  await Promise.all([moto?.stop(), chain?.stop()]);
});
beforeEach(async () => {
  proxy.inject({ kind: 'pass' });
  key = await createKey({ secretStore: store, keyEncryptionKey, chainId: CHAIN_ID });
  nowMs = 1_000_000;
  signer = createSecretsManagerSigner({ secretStore: store, keyEncryptionKey, nowMs: () => nowMs });
});

const transaction: TransactionToSign = {
  to: '0x52908400098527886E0F7030069857D2E4169EE7',
  value: 123_456_789n,
  data: '0xa9059cbb00',
  nonce: 0,
  gasLimit: 90_000n,
  maxFeePerGas: 60_000_000_000n,
  maxPriorityFeePerGas: 30_000_000_000n,
  chainId: CHAIN_ID,
};

const request = (changes: Partial<TransactionToSign> = {}): SignRequest => ({
  ...key,
  chainId: CHAIN_ID,
  transaction: { ...transaction, ...changes },
});

/** The code and reason of a refused signature. */
async function refusalOf(asked: SignRequest): Promise<string> {
  try {
    await signer.signTransaction(asked);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return `${error.code} ${error.parameters['reason']}`;
  }
  throw new Error('it signed');
}

describe('signing', () => {
  it('gives bytes that say what was asked, from the wallet, with their hash', async () => {
    const signed = await signer.signTransaction(request());
    const read = Transaction.from(signed.rawTransaction);
    expect({ ...transaction, from: key.address }).toEqual({
      from: read.from,
      to: read.to,
      value: read.value,
      data: read.data,
      nonce: read.nonce,
      gasLimit: read.gasLimit,
      maxFeePerGas: read.maxFeePerGas,
      maxPriorityFeePerGas: read.maxPriorityFeePerGas,
      chainId: Number(read.chainId),
    });
    expect(read.type).toBe(2);
    expect(signed.txHash).toBe(keccak256(signed.rawTransaction));
  });

  it('gives the same bytes for the same transaction, and others for another nonce', async () => {
    const first = await signer.signTransaction(request());
    expect(await signer.signTransaction(request())).toEqual(first);
    expect((await signer.signTransaction(request({ nonce: 1 }))).txHash).not.toBe(first.txHash);
  });

  it('gives bytes that a node accepts and mines under the same hash', async () => {
    const funding = await chain.accounts[0]?.sendTransaction({ to: key.address, value: 10n ** 18n });
    await funding?.wait();
    const signed = await signer.signTransaction(request({ data: '0x' }));
    const sent = await chain.provider.broadcastTransaction(signed.rawTransaction);
    const receipt = await sent.wait();
    expect(receipt).toMatchObject({ hash: signed.txHash, from: key.address, status: 1 });
    expect(await chain.provider.getBalance(transaction.to)).toBe(transaction.value);
  });

  it.each([
    ['another chain', { chainId: 137 }],
    ['a negative nonce', { nonce: -1 }],
    ['a fractional nonce', { nonce: 0.5 }],
    ['a negative value', { value: -1n }],
    ['no gas', { gasLimit: 0n }],
    ['a tip above the fee', { maxPriorityFeePerGas: transaction.maxFeePerGas + 1n }],
    ['a recipient that is none', { to: '0x1234' }],
    ['a recipient with a broken checksum', { to: transaction.to.replace('E', 'e') }],
    ['data that is none', { data: '0xzz' as const }],
  ])('refuses %s', async (_what, changes) => {
    expect(await refusalOf(request(changes))).toBe('INTERNAL unsignable-transaction');
  });
});

describe('a key that is not the wallet’s', () => {
  it('signs nothing where there is none', async () => {
    const asked = { ...request(), keyId: `${key.keyId}0` };
    expect(await refusalOf(asked)).toBe('KEY_UNAVAILABLE no-such-key');
  });

  it('signs nothing for another wallet, though that wallet’s name is given', async () => {
    const other = await createKey({ secretStore: store, keyEncryptionKey, chainId: CHAIN_ID });
    expect(await refusalOf({ ...request(), address: other.address })).toBe('KEY_UNAVAILABLE sealed-key-other-identity');
    expect(await refusalOf({ ...request({ chainId: 137 }), chainId: 137 })).toBe('KEY_UNAVAILABLE sealed-key-other-identity');
  });

  it('signs nothing with a well-sealed key of another address', async () => {
    const stranger = Buffer.from(Wallet.createRandom().privateKey.slice(2), 'hex');
    const forged = sealPrivateKey({ ...key, chainId: CHAIN_ID, privateKey: stranger, keyEncryptionKey, version: 1 });
    await client.send(new PutSecretValueCommand({ SecretId: key.keyId, SecretString: serializeSealedKey(forged) }));
    expect(await refusalOf(request())).toBe('KEY_UNAVAILABLE sealed-key-wrong-key');
  });

  it('signs nothing with what is no sealed key, and signs again once it is repaired', async () => {
    const { value } = await store.get(key.keyId);
    await client.send(new PutSecretValueCommand({ SecretId: key.keyId, SecretString: 'garbage' }));
    expect(await refusalOf(request())).toBe('KEY_UNAVAILABLE sealed-key-malformed');
    await client.send(new PutSecretValueCommand({ SecretId: key.keyId, SecretString: value }));
    await signer.signTransaction(request());
  });

  it('signs nothing under another key-encryption key, and asks again at the next try', async () => {
    signer = createSecretsManagerSigner({ secretStore: store, keyEncryptionKey: randomBytes(32), nowMs: () => nowMs });
    expect(await refusalOf(request())).toBe('KEY_UNAVAILABLE sealed-key-not-authentic');

    const next = randomBytes(32);
    signer = createSecretsManagerSigner({ secretStore: store, keyEncryptionKey: next, nowMs: () => nowMs });
    expect(await refusalOf(request())).toBe('KEY_UNAVAILABLE sealed-key-not-authentic');
    await rotateKey({ ...key, chainId: CHAIN_ID, secretStore: store, keyEncryptionKey, newKeyEncryptionKey: next });
    await signer.signTransaction(request());
  });
});

describe('while the secret store is out', () => {
  it('cannot sign what it never read', async () => {
    proxy.inject({ kind: 'cut' });
    expect(await refusalOf(request())).toBe('KEY_UNAVAILABLE secret-store-unavailable');
  });

  it('goes on signing for ten minutes after the last read, then stops, and resumes', async () => {
    const before = await signer.signTransaction(request());
    proxy.inject({ kind: 'cut' });
    nowMs += 9 * MINUTE_MS;
    expect(await signer.signTransaction(request())).toEqual(before);
    nowMs += MINUTE_MS - 1;
    expect(await signer.signTransaction(request())).toEqual(before);
    nowMs += 1;
    expect(await refusalOf(request())).toBe('KEY_UNAVAILABLE secret-store-unavailable');
    proxy.inject({ kind: 'pass' });
    expect(await signer.signTransaction(request())).toEqual(before);
  });

  it('asks the store neither at each signature nor at once again after a failure', async () => {
    await signer.signTransaction(request());
    proxy.inject({ kind: 'cut' });
    const before = proxy.connections();
    nowMs += MINUTE_MS - 1;
    await signer.signTransaction(request());
    expect(proxy.connections()).toBe(before);
    nowMs += 1;
    await signer.signTransaction(request());
    const afterFirstTry = proxy.connections();
    expect(afterFirstTry).toBeGreaterThan(before);
    nowMs += 14_999;
    await signer.signTransaction(request());
    expect(proxy.connections()).toBe(afterFirstTry);
    nowMs += 1;
    await signer.signTransaction(request());
    expect(proxy.connections()).toBeGreaterThan(afterFirstTry);
  });

  it('reads once for many signatures at the same time', async () => {
    proxy.inject({ kind: 'cut' });
    const startedAt = proxy.connections();
    const one = await refusalOf(request());
    const perRead = proxy.connections() - startedAt;
    const many = await Promise.all(Array.from({ length: 20 }, () => refusalOf(request())));
    expect(new Set([one, ...many])).toEqual(new Set(['KEY_UNAVAILABLE secret-store-unavailable']));
    expect(proxy.connections() - startedAt - perRead).toBe(perRead);
  });
});

it('stops at the next refresh when the key is deleted: that is no outage', async () => {
  await signer.signTransaction(request());
  await client.send(new DeleteSecretCommand({ SecretId: key.keyId }));
  nowMs += MINUTE_MS;
  expect(await refusalOf(request())).toBe('KEY_UNAVAILABLE no-such-key');
  proxy.inject({ kind: 'cut' });
  expect(await refusalOf(request())).toBe('KEY_UNAVAILABLE secret-store-unavailable');
});

it('says nothing secret, however it fails', async () => {
  const privateKey = randomBytes(32);
  const own = await createKey({ secretStore: store, keyEncryptionKey, chainId: CHAIN_ID, privateKey });
  const wrong = createSecretsManagerSigner({ secretStore: store, keyEncryptionKey: randomBytes(32) });
  const error: unknown = await wrong.signTransaction({ ...request(), ...own }).catch((thrown: unknown) => thrown);
  const { inspect } = await import('node:util');
  const seen = inspect(error, { depth: 10, showHidden: true });
  expect(seen).toContain('KEY_UNAVAILABLE');
  for (const secret of [privateKey, keyEncryptionKey]) {
    expect(seen).not.toContain(secret.toString('hex'));
    expect(seen).not.toContain(secret.toString('base64'));
  }
});
