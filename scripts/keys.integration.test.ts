import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { computeAddress } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { awsEnvironment, startTestSecretsManager, type TestSecretsManager } from '../activities/custody/moto.testkit.ts';
import { createAwsSecretStore } from '../activities/custody/aws-secret-store.ts';
import { openDatabase, type DatabaseHandle } from '../db/client.ts';
import { migrateUp } from '../db/migrate.ts';
import { holdFunds, settleFunds } from '../db/repositories/payments/funds.ts';
import { listWallets } from '../db/repositories/wallets/wallets.ts';
import { transact } from '../db/transact.ts';
import type { Address } from '../domain/address.ts';
import { freePorts, startInfrastructure, type Infrastructure } from './stack/infrastructure.ts';
import { statePaths } from './stack/paths.ts';
import { PORT_VARIABLES, type Ports } from './stack/ports.ts';
import { ensureSecrets } from './stack/secrets.ts';
import { runScript, type Ended } from '../tests/harness/run-script.ts';

const START_TIMEOUT_MS = 300_000;
const TEST_TIMEOUT_MS = 180_000;

let stateDir: string;
let ports: Ports;
let infrastructure: Infrastructure;
let database: DatabaseHandle;
let moto: TestSecretsManager;
let chainId = 100_000;
let kek: string;
let env: Record<string, string>;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'keys-'));
  ports = await freePorts();
  infrastructure = await startInfrastructure({ stateDir, ports, parts: ['mysql', 'aws'] });
  moto = await startTestSecretsManager();
  const { databaseUrl = '' } = infrastructure.urls;
  await migrateUp(databaseUrl);
  database = openDatabase(databaseUrl);
}, START_TIMEOUT_MS);
afterAll(async () => {
  await database?.close();
  await moto?.stop();
  await infrastructure?.stop();
  await rm(stateDir, { recursive: true, force: true });
}, TEST_TIMEOUT_MS);

/** A chain of its own for each test: no test sees another's keys. */
beforeEach(() => {
  chainId += 1;
  kek = randomBytes(32).toString('base64');
  env = { ...awsEnvironment(moto), KEY_ENCRYPTION_KEY: kek, POLYGON_CHAIN_ID: String(chainId), DATABASE_URL: infrastructure.urls.databaseUrl ?? '' };
});

const keys = (args: readonly string[], variables: Record<string, string> = env, input = ''): Promise<Ended> => runScript('keys.ts', args, variables, input);

const keyIdOf = (created: Ended): string => created.out.trim().split(' ')[1] ?? '';
const addressOf = (created: Ended): string => created.out.split(' ')[0] ?? '';
const line = (text: string) => expect.stringMatching(new RegExp(`^keys: ${text}[^\n]*\n$`));

const walletRows = () => listWallets(database.db, chainId);

describe('keys', { timeout: TEST_TIMEOUT_MS }, () => {
  it('creates a key and its wallet, which show-address lists and verify opens', async () => {
    const created = await keys(['create']);
    expect(created).toMatchObject({ code: 0, err: '' });
    const [address, keyId] = created.out.trim().split(' ');
    expect(keyId).toBe(`withdrawal-engine/${chainId}/${address?.toLowerCase()}`);
    expect(await walletRows()).toMatchObject([{ chainId, address, keyId, status: 'ACTIVE' }]);
    expect(await keys(['show-address'])).toEqual({ code: 0, out: `${address} ${keyId} ACTIVE\n`, err: '' });
    expect(await keys(['verify'])).toEqual({ code: 0, out: `${address} ok, version 1, ACTIVE\n`, err: '' });
  });

  it('imports a key from standard input once, however often it is told to, and never shows it', async () => {
    const privateKey = randomBytes(32).toString('hex');
    const first = await keys(['import'], env, `0x${privateKey}\n`);
    const second = await keys(['import'], env, privateKey);
    expect(first.code).toBe(0);
    expect(first.out).toMatch(new RegExp(`^${computeAddress(`0x${privateKey}`)} `));
    expect(second).toEqual(first);
    expect(await walletRows()).toHaveLength(1);
    expect(first.out + first.err + second.err).not.toContain(privateKey);
  });

  it('works without a database, and says so', async () => {
    const { DATABASE_URL: _without, ...variables } = env;
    const created = await keys(['create'], variables);
    expect(created).toMatchObject({ code: 0, err: '' });
    expect(created.out).toContain('no DATABASE_URL');
    expect(await walletRows()).toEqual([]);
    const address = created.out.split(' ')[0];
    expect((await keys(['verify'])).out).toBe(`${address} ok, version 1, no wallet\n`);
  });

  it('verify fails for a key under another key-encryption key, a missing key and a changed one, and checks the rest', async () => {
    const [good, foreign, lost, changed] = await Promise.all([keys(['create']), keys(['create'], { ...env, KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64') }), keys(['create']), keys(['create'])]);
    await database.pool.query('UPDATE wallets SET key_id = ? WHERE key_id = ?', [`${keyIdOf(lost)}-moved`, keyIdOf(lost)]);
    const store = createAwsSecretStore(moto.options);
    const { value, versionId } = await store.get(keyIdOf(changed));
    await store.replace(keyIdOf(changed), value.replace('"version":1', '"version":2'), { previousVersionId: versionId, verify: () => undefined });
    store.close();

    const verified = await keys(['verify']);
    expect(verified.code).toBe(1);
    const lines = verified.out.trim().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines).toContain(`${addressOf(good)} ok, version 1, ACTIVE`);
    expect(lines).toContain(`${addressOf(foreign)} FAILED: NOT_AUTHENTIC: wrong key-encryption key, or the sealed key was changed`);
    expect(lines).toContain(`${addressOf(lost)} FAILED: no such secret: ${keyIdOf(lost)}-moved`);
    expect(lines).toContain(`${addressOf(lost)} ok, version 1, no wallet`);
    expect(lines).toContain(`${addressOf(changed)} FAILED: NOT_AUTHENTIC: wrong key-encryption key, or the sealed key was changed`);
  });

  it('rotates every key to the new key-encryption key, and does nothing the second time', async () => {
    await keys(['create']);
    await keys(['create']);
    const next = randomBytes(32).toString('base64');
    const rotated = await keys(['rotate', '--kek'], { ...env, NEW_KEY_ENCRYPTION_KEY: next });
    expect(rotated).toMatchObject({ code: 0, err: '' });
    expect(rotated.out.match(/rotated, version 2/g)).toHaveLength(2);
    expect(rotated.out).toContain('now set KEY_ENCRYPTION_KEY');
    expect((await keys(['rotate', '--kek'], { ...env, NEW_KEY_ENCRYPTION_KEY: next })).out.match(/was rotated before, version 2/g)).toHaveLength(2);
    expect((await keys(['verify'])).code).toBe(1);
    expect((await keys(['verify'], { ...env, KEY_ENCRYPTION_KEY: next })).code).toBe(0);
    expect(rotated.out).not.toContain(next);
  });

  it('finishes a rotation that stopped half-way', async () => {
    const next = randomBytes(32).toString('base64');
    await keys(['create'], { ...env, KEY_ENCRYPTION_KEY: next });
    await keys(['create']);
    const rotated = await keys(['rotate', '--kek'], { ...env, NEW_KEY_ENCRYPTION_KEY: next });
    expect(rotated.code).toBe(0);
    expect(rotated.out).toMatch(/was rotated before, version 1/);
    expect(rotated.out).toMatch(/ rotated, version 2/);
    expect((await keys(['verify'], { ...env, KEY_ENCRYPTION_KEY: next })).code).toBe(0);
  });
});

describe('a wallet', { timeout: TEST_TIMEOUT_MS }, () => {
  /** Funds held out of a wallet for a withdrawal that is under way. */
  const bind = (requestId: string, wallet: string) => transact(database.db, (tx) => holdFunds(tx, { requestId, chainId, walletAddress: wallet as Address, tokenAddress: null, amount: 1n, gasLimit: 21_000n, gasWei: 1n }));
  const release = (requestId: string) => transact(database.db, (tx) => settleFunds(tx, requestId, { state: 'RELEASED', spentAmount: 0n, spentGasWei: 0n, settledBlock: null }));
  const rowOf = async (address: string) => (await walletRows()).find((row) => row.address === address);

  it('is replaced by a new one: drained first, finished once it owes nothing, however often it is told', async () => {
    const old = addressOf(await keys(['create']));
    const requestId = `tx-${Date.now()}-${randomBytes(10).toString('hex')}`;
    await bind(requestId, old);
    const begun = await keys(['rotate', '--wallet', old]);
    expect(begun).toMatchObject({ code: 4, err: '' });
    expect(begun.out).toContain('1 withdrawals are bound to it');
    const successor = (await rowOf(old))?.successorAddress ?? '';
    expect(await walletRows()).toHaveLength(2);
    expect(await rowOf(old)).toMatchObject({ status: 'DRAINING' });
    expect(await rowOf(successor)).toMatchObject({ status: 'ACTIVE', successorAddress: null });
    expect((await keys(['verify'])).out).toContain(`${successor} ok, version 1, ACTIVE`);

    expect(await keys(['rotate', '--wallet', old.toLowerCase()])).toMatchObject({ code: 4, out: expect.stringContaining(successor) });
    await release(requestId);
    const ended = await keys(['rotate', '--wallet', old]);
    expect(ended).toMatchObject({ code: 0, err: '', out: expect.stringContaining(`${old} is drained`) });
    expect(await keys(['rotate', '--wallet', old])).toEqual(ended);
    expect(await walletRows()).toHaveLength(2);
    expect((await keys(['verify'])).code).toBe(0);
  });

  it('has one successor also when it is replaced twice at once, or the first run died behind the key', async () => {
    const old = addressOf(await keys(['create']));
    // What a run leaves that dies between storing the key and adding its wallet.
    const { DATABASE_URL: _without, ...variables } = env;
    const left = addressOf(await keys(['create'], variables));
    const both = await Promise.all([keys(['rotate', '--wallet', old]), keys(['rotate', '--wallet', old])]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const successor = (await rowOf(old))?.successorAddress ?? '';
    expect(both.every(({ out }) => out.includes(`replaced by ${successor}`))).toBe(true);
    expect((await walletRows()).map(({ address }) => address).toSorted()).toEqual([old, successor].toSorted());
    expect((await keys(['show-address'])).out).toContain(`${left} withdrawal-engine/${chainId}/${left.toLowerCase()} no wallet`);
  });

  it('that stands still is not replaced, nor one that is unknown: and then no key is made', async () => {
    const old = addressOf(await keys(['create']));
    await database.pool.query("UPDATE wallets SET status = 'HALTED' WHERE address = ?", [old]);
    expect(await keys(['rotate', '--wallet', old])).toMatchObject({ code: 1, out: expect.stringContaining('is HALTED') });
    expect(await keys(['rotate', '--wallet', '0x52908400098527886E0F7030069857D2E4169EE7'])).toMatchObject({ code: 1, out: expect.stringContaining('there is no wallet') });
    expect((await keys(['show-address'])).out.trim().split('\n')).toHaveLength(1);
  });

  it.each([[[]], [['--wallet']], [['--kek', 'x']], [['--wallet', '1'.repeat(64)]]])('is not replaced on wrong arguments: %j', async (args) => {
    const ended = await keys(['rotate', ...args]);
    expect(ended).toMatchObject({ code: 2, out: '', err: line('') });
    expect(ended.err).not.toContain('1'.repeat(64));
  });
});

describe('what cannot work is told in one line', { timeout: TEST_TIMEOUT_MS }, () => {
  it('an unknown command and an argument, without quoting them', async () => {
    const privateKey = randomBytes(32).toString('hex');
    for (const args of [[privateKey], ['import', privateKey]]) {
      const ended = await keys(args);
      expect(ended).toMatchObject({ code: 2, out: '', err: line('') });
      expect(ended.err).not.toContain(privateKey);
    }
  });

  it('variables that are missing or no keys, without quoting them', async () => {
    const { KEY_ENCRYPTION_KEY: _kek, POLYGON_CHAIN_ID: _chain, ...variables } = env;
    expect(await keys(['verify'], variables)).toMatchObject({ code: 2, err: line('KEY_ENCRYPTION_KEY and POLYGON_CHAIN_ID must be set too') });
    const short = await keys(['verify'], { ...env, KEY_ENCRYPTION_KEY: 'c2hvcnQ=' });
    expect(short).toMatchObject({ code: 2, err: line('KEY_ENCRYPTION_KEY must be 32 bytes in base64') });
    expect(short.err).not.toContain('c2hvcnQ=');
    expect(await keys(['rotate', '--kek'])).toMatchObject({ code: 2, err: line('NEW_KEY_ENCRYPTION_KEY must be set') });
    expect(await keys(['verify'], { ...env, POLYGON_CHAIN_ID: 'polygon' })).toMatchObject({ code: 2, err: line('POLYGON_CHAIN_ID must be a whole number') });
  });

  it('standard input that is no key', async () => {
    expect(await keys(['import'], env, 'not a key')).toMatchObject({ code: 2, out: '', err: line('standard input must hold one private key') });
    expect(await keys(['import'], env, '0'.repeat(64))).toMatchObject({ code: 1, out: '', err: line('MALFORMED: not a private key of secp256k1') });
  });

  it('a secret store or a database that is not there: and then no key is made', async () => {
    const nowhere = 'http://127.0.0.1:1';
    expect(await keys(['verify'], { ...env, AWS_ENDPOINT_URL: nowhere })).toMatchObject({ code: 3, out: '', err: line('the secret store cannot be reached') });
    expect(await keys(['create'], { ...env, DATABASE_URL: 'mysql://user:hidden@127.0.0.1:1/none' })).toMatchObject({ code: 3, out: '', err: line('the database: connect ECONNREFUSED') });
    expect((await keys(['show-address'])).out).toBe(`no keys on chain ${chainId}\n`);
  });

  it('a sandbox that is not there, and none is made', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'empty-'));
    expect(await keys(['verify'], { SANDBOX_DIR: join(empty, 'none') })).toMatchObject({ code: 2, out: '', err: line('no sandbox here yet') });
    await rm(empty, { recursive: true });
  });

  it('help', async () => {
    expect(await keys(['--help'])).toMatchObject({ code: 0, err: '', out: expect.stringContaining('show-address') });
    expect((await keys([])).code).toBe(2);
  });
});

describe('in a sandbox', { timeout: TEST_TIMEOUT_MS }, () => {
  it('takes everything from it, and rotate leaves it with the new key-encryption key', async () => {
    const paths = statePaths(stateDir);
    ensureSecrets(paths.secrets);
    const sandbox = {
      SANDBOX_DIR: stateDir,
      ...Object.fromEntries(Object.entries(PORT_VARIABLES).map(([name, { variable }]) => [variable, String(ports[name as keyof Ports])])),
    };
    const created = await keys(['create'], sandbox);
    expect(created).toMatchObject({ code: 0, err: '' });
    expect(created.out).toContain('withdrawal-engine/80002/0x');
    expect((await keys(['verify'], sandbox)).out).toMatch(/ok, version 1, ACTIVE/);

    const next = randomBytes(32).toString('base64');
    const rotated = await keys(['rotate', '--kek'], { ...sandbox, NEW_KEY_ENCRYPTION_KEY: next });
    expect(rotated).toMatchObject({ code: 0, err: '' });
    expect(rotated.out).toContain('now restart the sandbox');
    expect(ensureSecrets(paths.secrets).keyEncryptionKey).toBe(next);
    expect((await keys(['verify'], sandbox)).out).toMatch(/ok, version 2, ACTIVE/);

    // Its secret store forgets everything when it stops, and plays back what it recorded.
    await infrastructure.stop();
    const recording = await readFile(join(stateDir, 'moto', 'recording.jsonl'), 'utf8');
    expect(recording).toContain('UpdateSecretVersionStage');
    expect(recording).not.toContain(next);
    infrastructure = await startInfrastructure({ stateDir, ports, parts: ['mysql', 'aws'] });
    expect((await keys(['verify'], sandbox)).out).toMatch(/ok, version 2, ACTIVE/);
  });
});
