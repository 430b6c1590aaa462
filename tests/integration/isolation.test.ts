import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canConfine, groupIdOf, INFRASTRUCTURE, roleCommand, ROLES, type ChildName } from '../../scripts/stack/privileges.ts';
import { ensureSecrets, secretFiles } from '../../scripts/stack/secrets.ts';
import { freePort, startInfrastructure, type Infrastructure } from '../../scripts/stack/infrastructure.ts';

const MARK = 'marked-key-encryption-key';
const others = [...ROLES, ...INFRASTRUCTURE].filter((name) => name !== 'signing-service');
const isRoot = process.getuid?.() === 0;

interface Answer {
  readonly opened: boolean;
  readonly code: string;
}

/** Tries to read a file as the given child, and says what the kernel answered. */
function readAs(name: ChildName, file: string): Answer {
  const script = `
    const { readFileSync } = require('node:fs');
    try { process.stdout.write(JSON.stringify({ opened: true, code: readFileSync(${JSON.stringify(file)}, 'utf8') })); }
    catch (error) { process.stdout.write(JSON.stringify({ opened: false, code: error.code })); }`;
  const { command, args } = roleCommand(name, process.execPath, ['-e', script]);
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the probe as ${name} did not run: ${stderr}`);
  return JSON.parse(stdout) as Answer;
}

/** Launches a process that does nothing as the given child, with a marked environment. */
async function standIn(name: ChildName): Promise<ChildProcess> {
  const { command, args } = roleCommand(name, process.execPath, ['-e', 'setInterval(() => {}, 1000); process.stdout.write("up")']);
  const child = spawn(command, args, { env: { PATH: process.env['PATH'] ?? '', KEY_ENCRYPTION_KEY: MARK }, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.stdout?.once('data', resolve);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the stand-in ended with ${code}`)));
  });
  return child;
}

// Without root there is one user for everything: only the file modes can be checked then.
describe.runIf(isRoot)('roles of a sandbox started as root', () => {
  let dir: string;
  const children: ChildProcess[] = [];

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'isolation-'));
    // Every role may walk into the directory, so that what refuses is the secret itself.
    chmodSync(dir, 0o755);
    ensureSecrets(join(dir, 'secrets'));
  });
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });

  it('can be confined on this machine', () => {
    expect(canConfine()).toBe(true);
  });

  it('finds each secret where it looks, so that a refusal below means something', () => {
    for (const file of secretFiles(join(dir, 'secrets'))) expect(readFileSync(file, 'utf8').length).toBeGreaterThan(10);
  });

  it.each([...ROLES, ...INFRASTRUCTURE])('%s can open a file of root, but no secret', (name) => {
    const open = join(dir, 'open');
    writeFileSync(open, 'open', { mode: 0o600 });
    expect(readAs(name, open)).toEqual({ opened: true, code: 'open' });
    for (const file of secretFiles(join(dir, 'secrets'))) expect(readAs(name, file)).toEqual({ opened: false, code: 'EACCES' });
  });

  it.each([...ROLES, ...INFRASTRUCTURE])('%s runs without any capability, in a group of its own', (name) => {
    const status = readAs(name, '/proc/self/status').code;
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(status).toMatch(new RegExp(`^${set}:\\s+0+$`, 'm'));
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status).toMatch(new RegExp(`^Gid:\\s+${groupIdOf(name)}\\s+${groupIdOf(name)}\\s`, 'm'));
    expect(status).toMatch(/^Groups:\s*$/m);
  });

  it('gives no two children the same group', () => {
    expect(new Set([...ROLES, ...INFRASTRUCTURE].map(groupIdOf)).size).toBe(ROLES.length + INFRASTRUCTURE.length);
  });

  it.each(others)('%s cannot read the environment of signing-service', async (name) => {
    const child = await standIn('signing-service');
    children.push(child);
    const file = `/proc/${child.pid}/environ`;
    // The mark is there, and the tester, who is root, sees it.
    expect(readFileSync(file, 'utf8')).toContain(MARK);
    expect(readAs(name, file)).toEqual({ opened: false, code: 'EACCES' });
    child.kill('SIGKILL');
  });

  it.each(ROLES.filter((name) => name !== 'api-server'))('%s cannot read the environment of api-server, which holds the seal and session keys', async (name) => {
    const child = await standIn('api-server');
    children.push(child);
    expect(readAs(name, `/proc/${child.pid}/environ`)).toEqual({ opened: false, code: 'EACCES' });
    child.kill('SIGKILL');
  });

  it('would read it in the group of its target: it is the group that protects', async () => {
    const child = await standIn('signing-service');
    children.push(child);
    const seen = readAs('signing-service', `/proc/${child.pid}/environ`);
    expect(seen.opened).toBe(true);
    expect(seen.code).toContain(MARK);
    child.kill('SIGKILL');
  });
});

describe.runIf(isRoot)('the recording of the secret store', () => {
  let dir: string;
  let infrastructure: Infrastructure;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'isolation-moto-'));
    chmodSync(dir, 0o755);
    const port = await freePort();
    const ports = { api: port, temporal: port, temporalUi: port, codec: port, mysql: port, redis: port, chain: port, moto: port, metrics: port };
    infrastructure = await startInfrastructure({ stateDir: dir, ports, parts: ['aws'] });
  }, 120_000);
  afterAll(async () => {
    await infrastructure?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('is written by moto and by nobody else', async () => {
    const recording = join(dir, 'moto', 'recording.jsonl');
    const response = await fetch(infrastructure.urls.awsEndpointUrl ?? '', {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'secretsmanager.CreateSecret',
        authorization: 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=b',
      },
      body: JSON.stringify({ Name: 'wallet/1', SecretString: MARK, ClientRequestToken: 'a'.repeat(32) }),
    });
    expect(response.status).toBe(200);
    expect(statSync(recording).size).toBeGreaterThan(0);
    for (const name of [...ROLES, ...INFRASTRUCTURE].filter((other) => other !== 'moto')) {
      expect(readAs(name, recording)).toEqual({ opened: false, code: 'EACCES' });
    }
  });
});

describe('the secrets of a sandbox', () => {
  it('are readable by their owner alone, and stay the same', () => {
    const dir = mkdtempSync(join(tmpdir(), 'secrets-'));
    try {
      const secretsDir = join(dir, 'secrets');
      const first = ensureSecrets(secretsDir);
      expect(ensureSecrets(secretsDir)).toEqual(first);
      expect(statSync(secretsDir).mode & 0o777).toBe(0o700);
      for (const file of secretFiles(secretsDir)) expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(Buffer.from(first.keyEncryptionKey, 'base64')).toHaveLength(32);
      expect(Buffer.from(first.sealKey, 'base64')).toHaveLength(32);
      expect(JSON.parse(first.jwtPrivateJwk)).toMatchObject({ kty: 'OKP', crv: 'Ed25519', d: expect.any(String) });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
