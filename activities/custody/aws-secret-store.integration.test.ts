import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { DeleteSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAwsSecretStore, type AwsSecretStore } from './aws-secret-store.ts';
import { awsEnvironment, startTestSecretsManager, type TestSecretsManager } from './moto.testkit.ts';
import { SecretExistsError, SecretNotFoundError, SecretStoreRefusedError, SecretStoreUnavailableError } from './secret-store.ts';

let moto: TestSecretsManager;
let store: AwsSecretStore;
let client: SecretsManagerClient;
let counter = 0;

beforeAll(async () => {
  moto = await startTestSecretsManager();
  store = createAwsSecretStore(moto.options);
  client = new SecretsManagerClient(moto.options);
}, 90_000);
afterAll(async () => {
  store?.close();
  client?.destroy();
  await moto?.stop();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const newName = (): string => `withdrawal-engine/80002/secret-${(counter += 1)}`;

describe('the store over a real Secrets Manager', () => {
  it('gives back what was created', async () => {
    const name = newName();
    await store.create(name, '{"sealed":1}');
    const read = await store.get(name);
    expect(read.value).toBe('{"sealed":1}');
    expect(read.versionId).toMatch(/.{8,}/);
  });

  it('never overwrites on create', async () => {
    const name = newName();
    await store.create(name, 'first');
    await expect(store.create(name, 'second')).rejects.toBeInstanceOf(SecretExistsError);
    expect((await store.get(name)).value).toBe('first');
  });

  it('tells what is not there, and what is being deleted', async () => {
    await expect(store.get(newName())).rejects.toBeInstanceOf(SecretNotFoundError);
    const name = newName();
    await store.create(name, 'value');
    await client.send(new DeleteSecretCommand({ SecretId: name }));
    await expect(store.get(name)).rejects.toBeInstanceOf(SecretNotFoundError);
  });

  it('lists by prefix', async () => {
    await store.create('other/1/a', 'x');
    await store.create('list/1/b', 'x');
    await store.create('list/1/a', 'x');
    await store.create('list/12/a', 'x');
    expect(await store.list('list/1/')).toEqual(['list/1/a', 'list/1/b']);
    expect(await store.list('nothing/')).toEqual([]);
  });

  it('reads region, endpoint and credentials from the usual variables', async () => {
    for (const [name, value] of Object.entries(awsEnvironment(moto))) vi.stubEnv(name, value);
    const fromEnvironment = createAwsSecretStore();
    const name = newName();
    await fromEnvironment.create(name, 'value');
    fromEnvironment.close();
    expect((await store.get(name)).value).toBe('value');
  });
});

describe('replace', () => {
  it('makes the new value current only after it was read back and verified, and keeps the old one', async () => {
    const name = newName();
    await store.create(name, 'old');
    const { versionId } = await store.get(name);
    const verified: string[] = [];
    await store.replace(name, 'new', { previousVersionId: versionId, verify: (stored) => verified.push(stored) });
    expect(verified).toEqual(['new']);
    expect((await store.get(name)).value).toBe('new');
    const previous = await client.send(new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSPREVIOUS' }));
    expect(previous.SecretString).toBe('old');
  });

  it('leaves the old value current when the verification throws, and throws the same', async () => {
    const name = newName();
    await store.create(name, 'old');
    const { versionId } = await store.get(name);
    const refusal = new Error('does not open');
    const replacing = store.replace(name, 'new', {
      previousVersionId: versionId,
      verify: () => {
        throw refusal;
      },
    });
    await expect(replacing).rejects.toBe(refusal);
    expect(await store.get(name)).toEqual({ value: 'old', versionId });
  });

  it('refuses when the current version has moved on', async () => {
    const name = newName();
    await store.create(name, 'old');
    const { versionId } = await store.get(name);
    await store.replace(name, 'newer', { previousVersionId: versionId, verify: () => undefined });
    await expect(store.replace(name, 'stale', { previousVersionId: versionId, verify: () => undefined })).rejects.toBeInstanceOf(SecretStoreRefusedError);
    expect((await store.get(name)).value).toBe('newer');
  });

  it('does not create', async () => {
    await expect(store.replace(newName(), 'x', { previousVersionId: 'v', verify: () => undefined })).rejects.toBeInstanceOf(SecretNotFoundError);
  });
});

/** What moto cannot be made to answer. */
const answering = (status: number, type: string, count: { calls: number }) =>
  createHttpServer((_request, response) => {
    count.calls += 1;
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify({ __type: type, message: 'said by the test' }));
  });

describe('an outage', () => {
  const open: (() => void)[] = [];
  afterEach(() => {
    for (const close of open.splice(0)) close();
  });

  async function storeAt(server: Server): Promise<AwsSecretStore> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const at = createAwsSecretStore({ ...moto.options, endpoint: `http://127.0.0.1:${port}` });
    open.push(() => {
      at.close();
      server.close();
    });
    return at;
  }

  it('is transient where nobody listens', async () => {
    const gone = await startTestSecretsManager();
    const away = createAwsSecretStore(gone.options);
    await away.create('name', 'value');
    await gone.stop();
    await expect(away.get('name')).rejects.toBeInstanceOf(SecretStoreUnavailableError);
    away.close();
  }, 90_000);

  it('is transient, and bounded in time, where nobody answers', async () => {
    const sockets: Socket[] = [];
    const silent = await storeAt(createServer((socket) => sockets.push(socket)));
    const startedAt = performance.now();
    await expect(silent.get('name')).rejects.toBeInstanceOf(SecretStoreUnavailableError);
    const tookMs = performance.now() - startedAt;
    for (const socket of sockets) socket.destroy();
    expect(sockets.length).toBe(3);
    expect(tookMs).toBeGreaterThan(8_900);
    expect(tookMs).toBeLessThan(15_000);
  }, 20_000);

  it.each([
    [500, 'InternalServiceError'],
    [503, 'ServiceUnavailable'],
    [400, 'ThrottlingException'],
  ])('is transient at %i %s, after three attempts', async (status, type) => {
    const count = { calls: 0 };
    const failing = await storeAt(answering(status, type, count));
    await expect(failing.get('name')).rejects.toBeInstanceOf(SecretStoreUnavailableError);
    expect(count.calls).toBe(3);
  }, 20_000);

  it.each([['AccessDeniedException'], ['UnrecognizedClientException'], ['DecryptionFailure']])('is not what %s is', async (type) => {
    const count = { calls: 0 };
    const refusing = await storeAt(answering(400, type, count));
    await expect(refusing.get('name')).rejects.toBeInstanceOf(SecretStoreRefusedError);
    expect(count.calls).toBe(1);
  });
});
