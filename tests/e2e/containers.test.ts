import { randomUUID } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isByHand, isOnce, readComposeFile, targetOf, type Target } from '../../docker/compose.testkit.ts';
import { createApiClient } from '../../api/client/client.ts';
import type { Credentials } from '../../scripts/sandbox/credentials.ts';
import { openCustomer } from '../../scripts/demo/customer.ts';
import { writeSecrets } from '../../scripts/docker/write-secrets.ts';
import { askReady } from '../../scripts/sandbox/ready.ts';
import { freePort, freePorts, startInfrastructure, type Infrastructure } from '../../scripts/stack/infrastructure.ts';
import { findTemporal } from '../../scripts/stack/temporal.ts';
import { startService, untilUp, type ContainerWorld, type RunningService } from '../harness/compose-service.ts';
import { asImageUser, layOutImage, mayMount, withOwnMounts } from '../harness/image-content.ts';

const UP_WITHIN_MS = 120_000;

/**
 * Everything of docker/compose.yaml that our own images run, as processes: the files of the image, the command, the environment and the
 * health check of each container, in the order of `depends_on`; as root, what the engine's image runs is run by a user
 * without rights, with the container's own /tmp, from which nothing can be executed.
 * MySQL, Redis and Temporal are this machine's own.
 */
describe('the containers\' commands', () => {
  const { services } = readComposeFile();
  // A container has a /tmp of its own, so this machine's is not the place for what it reads.
  const dir = mkdtempSync(join(mayMount() ? '/var/tmp' : tmpdir(), 'containers-'));
  const secretsDir = join(dir, 'secrets');
  const ports = new Map<string, string>();
  const up = new Map<string, RunningService>();
  const images = { engine: join(dir, 'engine'), sandbox: join(dir, 'sandbox'), ops: join(dir, 'engine') };
  const programsDir = join(dir, 'programs');
  let imageUser: readonly string[];
  let infrastructure: Infrastructure;

  beforeAll(async () => {
    writeSecrets(secretsDir);
    // Docker mounts single files; here their directory is passed through.
    for (const open of [dir, secretsDir]) chmodSync(open, 0o711);
    await layOutImage(images.engine, 'engine', join(dir, 'npm.log'));
    await layOutImage(images.sandbox, 'sandbox', join(dir, 'npm.log'));
    imageUser = asImageUser(dir);
    mkdirSync(programsDir, { mode: 0o711 });
    copyFileSync(findTemporal() ?? '', join(programsDir, 'temporal'));
    infrastructure = await startInfrastructure({ stateDir: join(dir, 'parts'), ports: await freePorts(), parts: ['mysql', 'redis', 'temporal'] });
    const { urls } = infrastructure;
    writeSecret('database_url', urls.databaseUrl ?? '');
    writeSecret('redis_url', urls.redisUrl ?? '');
    for (const [name, service] of ourServices()) for (const port of portsOf(service)) ports.set(`${name}:${port}`, String(await freePort()));
    // What is published is reached here as it is inside.
    ports.set('provision:3000', portOf('api-server', '3000'));
    ports.set('codec-server:8233', '8233');
  });
  afterAll(async () => {
    await Promise.all([...up.values()].map((service) => service.stop()));
    await infrastructure?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function writeSecret(name: string, text: string): void {
    rmSync(join(secretsDir, name));
    writeFileSync(join(secretsDir, name), text, { mode: 0o444 });
  }

  function ourServices() {
    return Object.entries(services).filter(([, service]) => targetOf(service) !== undefined && !isByHand(service));
  }

  function portsOf({ environment = {}, healthcheck }: (typeof services)[string]): string[] {
    const named = Object.entries(environment).flatMap(([name, value]) => (/_?PORT$/.test(name) ? [value] : []));
    return [...new Set([...named, ...(healthcheck?.test.join(' ').match(/(?<=127\.0\.0\.1:)\d+/g) ?? [])])];
  }

  function portOf(service: string, port: string): string {
    return ports.get(`${service}:${port}`) ?? port;
  }

  function world(target: Target): ContainerWorld {
    return {
      appDir: images[target],
      secretsDir,
      volumeDir: (volume) => {
        const path = join(dir, 'volumes', volume);
        mkdirSync(path, { recursive: true });
        chmodSync(path, 0o777);
        return path;
      },
      addresses: new Map([
        ['temporal:7233', infrastructure.urls.temporalAddress ?? ''],
        ['anvil:8545', `127.0.0.1:${portOf('anvil', '8545')}`],
        ['moto:5000', `127.0.0.1:${portOf('moto', '5000')}`],
        ['api-server:3000', `127.0.0.1:${portOf('api-server', '3000')}`],
      ]),
      portOf,
      ...(target === 'ops' && { programsDir }),
      node: (service) => (target === 'sandbox' ? [process.execPath] : [...withOwnMounts(service.tmpfs), ...imageUser]),
    };
  }

  function run(name: string): RunningService {
    const service = services[name];
    const target = service && targetOf(service);
    if (!target) throw new Error(`there is no ${name} of ours`);
    return startService(name, service, world(target));
  }

  /** In the order of `depends_on`; what does not wait for one another starts together. */
  async function start(name: string, starting = new Map<string, Promise<void>>()): Promise<void> {
    const service = services[name];
    if (!service || !targetOf(service)) return;
    const before = starting.get(name);
    if (before) return before;
    const started = (async () => {
      await Promise.all(Object.keys(service.depends_on ?? {}).map((other) => start(other, starting)));
      const running = run(name);
      if (!isOnce(service)) up.set(name, running);
      await untilUp(running, service, UP_WITHIN_MS);
    })();
    starting.set(name, started);
    return started;
  }

  function readCredentials(): Credentials {
    const credentials = JSON.parse(readFileSync(join(dir, 'volumes', 'sandbox-state', 'credentials.json'), 'utf8')) as Credentials;
    return { ...credentials, wallets: credentials.wallets.toSorted() };
  }

  it('come up one after the other, each passing its own health check', async () => {
    const starting = new Map<string, Promise<void>>();
    await Promise.all(ourServices().map(([name]) => start(name, starting)));
    expect([...up.keys()].toSorted()).toEqual(['anvil', 'api-server', 'codec-server', 'moto', 'signing-service', 'tx-broadcaster', 'tx-monitor', 'withdrawal-worker']);
    await expect.poll(() => askReady(`http://127.0.0.1:${portOf('api-server', '3000')}`), { timeout: 60_000, interval: 500 }).toBe('ready');
  });

  it('pay a withdrawal', async () => {
    const client = await openCustomer(readCredentials());
    const { requestId } = await client.withdraw({ amount: '1.5', currency: 'USDC', toAddress: Wallet.createRandom().address }, randomUUID());
    await expect.poll(async () => (await client.withdrawal(requestId)).status, { timeout: 90_000, interval: 500 }).toBe('COMPLETED');
  });

  /** As `docker compose run --rm -e API_TOKEN ops …` with this standard input. */
  async function ops(command: string[], { input = '', token }: { input?: string; token?: string } = {}): Promise<string> {
    const service = services['ops'];
    if (!service) throw new Error('there is no ops');
    const running = startService('ops', { ...service, command, environment: { ...service.environment, ...(token !== undefined && { API_TOKEN: token }) } }, world('ops'), input);
    expect([await running.ended, running.output()]).toEqual([0, expect.any(String)]);
    return running.output();
  }

  it('look into a withdrawal by the operators\' commands, and hold its history against the code', async () => {
    const [requestId = ''] = /tx-\S+/.exec(await ops(['list', '--status', 'COMPLETED'])) ?? [];
    const { baseUrl, admin } = readCredentials();
    const signedIn = await createApiClient({ baseUrl, language: 'en' }).POST('/auth/login', { body: { email: admin.email, password: admin.password } });
    expect(await ops(['show', requestId], { token: signedIn.data?.accessToken ?? '' })).toContain('COMPLETED');
    expect(await ops(['replay', '-'], { input: await ops(['export', requestId, '--to', '-']) })).toContain('✔ standard input');
  });

  it.each([
    ['signing-service', ['scripts/keys.ts', 'verify'], /./],
    ['api-server', ['scripts/accounts.ts', 'list'], /admin@example\.com/],
    ['tx-monitor', ['scripts/recover.ts', '--dry-run'], /./],
    ['migrate', ['db/migrate.ts', 'status'], /^applied {2}0001_users$/m],
  ])('of an operator run in the container of %s: %s', async (name, command, says) => {
    const service = services[name];
    if (!service) throw new Error(`there is no ${name}`);
    const running = startService(name, { ...service, command }, world('engine'));
    expect([await running.ended, running.output()]).toEqual([0, expect.stringMatching(says)]);
  });

  it('set up once more, change nothing', async () => {
    const before = readCredentials();
    for (const [name, service] of ourServices().filter(([, each]) => isOnce(each))) await untilUp(run(name), service, UP_WITHIN_MS);
    expect(readCredentials()).toEqual(before);
  });

  it('keep the secret store\'s secrets when its container is started anew', async () => {
    const moto = services['moto'];
    if (!moto) throw new Error('there is no moto');
    await up.get('moto')?.stop();
    const again = run('moto');
    up.set('moto', again);
    await untilUp(again, moto, UP_WITHIN_MS);
    const recorded = await fetch(`http://127.0.0.1:${portOf('moto', '5000')}/moto-api/data.json`);
    expect(JSON.stringify(await recorded.json())).toContain('withdrawal');
  });

  it('show no secret, and end by themselves when Docker asks them to', async () => {
    const secrets = ['key_encryption_key', 'seal_key', 'webhook_key', 'temporal_payload_keys'].map((name) => readFileSync(join(secretsDir, name), 'utf8'));
    for (const [name, running] of up) {
      for (const secret of secrets) expect(`${name}: ${running.output()}`).not.toContain(secret);
    }
    const ends = await Promise.all(['codec-server', 'api-server', 'withdrawal-worker', 'signing-service', 'tx-broadcaster', 'tx-monitor', 'moto', 'anvil'].map(async (name) => [name, await up.get(name)?.stop()]));
    expect(Object.fromEntries(ends)).toMatchObject({ 'codec-server': 0, 'api-server': 0, 'withdrawal-worker': 0, 'signing-service': 0, 'tx-broadcaster': 0, 'tx-monitor': 0 });
  });
});
