import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sandboxConfig } from '../scripts/sandbox/config.ts';
import type { Connections } from '../scripts/sandbox/connections.ts';
import { roleSpecs } from '../scripts/sandbox/roles.ts';
import { writeSecrets } from '../scripts/docker/write-secrets.ts';
import { minimalEnv } from '../scripts/stack/child-spec.ts';
import { PROJECT_ROOT } from '../scripts/stack/paths.ts';
import { CLI_VERSION } from '../scripts/stack/temporal.ts';
import { ROLES } from '../scripts/stack/privileges.ts';
import { isByHand, isOnce, readComposeFile, targetOf } from './compose.testkit.ts';

const { text, services, networks, secrets, volumes } = readComposeFile();
const all = Object.entries(services);
const names = (holds: (name: string) => boolean): string[] => Object.keys(services).filter(holds).toSorted();
const folder = mkdtempSync(join(tmpdir(), 'compose-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('docker/compose.yaml', () => {
  it.each(all)('%s runs a pinned image, confined', (_, service) => {
    expect(service.image).toMatch(/:\d+\.\d+\.\d+/);
    expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'], pids_limit: expect.any(Number), mem_limit: expect.stringMatching(/^\d+[mg]$/) });
    expect(service.tmpfs).toContainEqual(expect.stringMatching(/^\/tmp:size=\d+m,mode=1777$/));
  });

  it('builds each image of ours once, and looks for none elsewhere', () => {
    const builders = all.flatMap(([name, service]) => (service.build ? [[name, service.build.target, targetOf(service)]] : []));
    expect(builders).toEqual([['migrate', 'engine', 'engine'], ['provision', 'sandbox', 'sandbox'], ['ops', 'ops', 'ops']]);
    for (const [, service] of all.filter(([, each]) => targetOf(each))) expect(service.pull_policy).toBe('never');
  });

  it('lets MySQL have a thread for each connection it takes', () => {
    const connections = Number(services['mysql']?.command?.find((argument) => argument.startsWith('--max-connections='))?.split('=')[1]);
    expect(services['mysql']?.pids_limit).toBeGreaterThan(connections + 128);
  });

  it.each(all)('%s is watched while it runs, or waited for where it runs once', (_, service) => {
    if (isOnce(service)) expect(service.healthcheck).toBeUndefined();
    else expect(service).toMatchObject({ restart: 'unless-stopped', healthcheck: { test: expect.arrayContaining([expect.stringMatching(/^CMD/)]) } });
    for (const [name, dependency] of Object.entries(service.depends_on ?? {})) {
      const other = services[name];
      expect({ name, ...dependency }).toEqual({ name, condition: other && isOnce(other) ? 'service_completed_successfully' : 'service_healthy' });
    }
  });

  it('opens ports on this machine only, of the API and what people look at', () => {
    const published = all.flatMap(([name, { ports = [] }]) => ports.map((port) => ({ name, port })));
    expect(published.map(({ name }) => name).toSorted()).toEqual(['api-server', 'codec-server', 'temporal-ui']);
    for (const { port } of published) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('lets only what handles keys reach the secret store, and only what must reach the world', () => {
    const on = (network: string): string[] => names((name) => (services[name]?.networks ?? []).includes(network));
    expect(on('custody')).toEqual(['moto', 'provision', 'signing-service']);
    // On a second network it could be reached by whoever is there.
    expect(['mysql', 'redis', 'anvil', 'moto', 'codec-server'].map((name) => services[name]?.networks)).toEqual([['database'], ['cache'], ['chain'], ['custody'], ['edge']]);
    expect(on('temporal')).toEqual(['api-server', 'ops', 'provision', 'signing-service', 'temporal', 'temporal-setup', 'temporal-ui', 'tx-broadcaster', 'tx-monitor', 'withdrawal-worker']);
    expect(on('outbound')).toEqual(['withdrawal-worker']);
    expect(on('edge')).toEqual(['api-server', 'codec-server', 'ops', 'temporal-ui']);
    expect(Object.entries(networks).flatMap(([name, network]) => (network?.internal ? [] : [name])).toSorted()).toEqual(['edge', 'outbound']);
  });

  it('gives each secret to those who need it and to nobody else', () => {
    const holders = Object.fromEntries(Object.keys(secrets).map((secret) => [secret, names((name) => (services[name]?.secrets ?? []).includes(secret))]));
    const roles = ['api-server', 'provision', 'signing-service', 'tx-broadcaster', 'tx-monitor', 'withdrawal-worker'];
    expect(holders).toEqual({
      database_url: ['api-server', 'migrate', 'provision', 'signing-service', 'tx-broadcaster', 'tx-monitor', 'withdrawal-worker'],
      redis_url: roles,
      temporal_payload_keys: ['api-server', 'codec-server', 'ops', ...roles.slice(1)],
      jwt_private_jwk: ['api-server'],
      webhook_key: ['api-server', 'withdrawal-worker'],
      seal_key: ['api-server', 'provision', 'signing-service'],
      key_encryption_key: ['provision', 'signing-service'],
      aws_access_key_id: ['provision', 'signing-service'],
      aws_secret_access_key: ['provision', 'signing-service'],
      redis_auth: ['redis'],
      mysql_root_password: ['mysql'],
      mysql_password: ['mysql'],
      temporal_database_password: ['mysql', 'temporal', 'temporal-schema'],
    });
  });

  it.each(all)('%s is given its secrets as files, each one it names', (_, service) => {
    const named = JSON.stringify([service.environment ?? {}, service.entrypoint ?? [], service.healthcheck?.test ?? []]).matchAll(/\/run\/secrets\/([a-z_]+)/g);
    for (const [, secret] of named) expect(service.secrets).toContain(secret);
    for (const [name, value] of Object.entries(service.environment ?? {})) {
      if (/PASSWORD|SECRET|TOKEN|KEYS?(_ID)?(_FILE)?$|JWK|DATABASE_URL|REDIS_URL/.test(name)) expect([name, value]).toEqual([name, expect.stringMatching(/^\/run\/secrets\/|^\$\{JWT_PREVIOUS_JWKS:-\}$/)]);
    }
  });

  it('holds no secret itself', () => {
    expect(text).not.toMatch(/:\/\/[^\s/@"]*:[^\s/@"]+@/);
    expect(text).not.toMatch(/PASSWORD: |root:root|MYSQL_PWD=(?!"\$\$)/);
    for (const { file } of Object.values(secrets)) expect(file).toMatch(/^\.\/secrets\/[a-z_]+$/);
  });

  it('has a file made for each secret, and no other', () => {
    const dir = join(folder, 'secrets');
    writeSecrets(dir);
    const made = readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []));
    expect(made.toSorted()).toEqual(Object.keys(secrets).toSorted());
  });

  it('names only volumes, networks and secrets that it declares', () => {
    for (const [, service] of all) {
      for (const network of service.networks) expect(Object.keys(networks)).toContain(network);
      for (const secret of service.secrets ?? []) expect(Object.keys(secrets)).toContain(secret);
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(':');
        if (!source.startsWith('.')) expect(Object.keys(volumes)).toContain(source);
        else expect(volume).toMatch(/:ro$/);
      }
    }
  });

  it('runs a role a container, each with the variables that npm start gives it', () => {
    const config = sandboxConfig({ SANDBOX_DIR: join(folder, 'sandbox') });
    const connections: Connections = { databaseUrl: 'mysql://h/d', redisUrl: 'redis://h', temporalAddress: 'h:1', temporalUiUrl: 'http://h:2', rpcUrl: 'http://h:3', awsEndpointUrl: 'http://h:4' };
    const specs = roleSpecs(config, connections);
    expect(specs.map(({ name }) => name).toSorted()).toEqual([...ROLES].toSorted());
    for (const spec of specs) {
      const service = services[spec.name];
      expect(service?.command).toEqual([spec.args.at(-1)?.slice(PROJECT_ROOT.length + 1)]);
      const given = Object.keys(service?.environment ?? {}).map((name) => name.replace(/_FILE$/, '').replace(/^SETTINGS$/, 'SETTINGS_FILE'));
      const wanted = Object.keys(spec.env()).filter((name) => !(name in minimalEnv()));
      // A container's addresses differ from those of a process on this machine; the level is a default here.
      const ofContainers = ['LOG_LEVEL', ...(spec.name === 'codec-server' ? ['CODEC_HOST', 'CODEC_PUBLIC_URL'] : []), ...(spec.name === 'withdrawal-worker' ? ['SWC_NATIVE_BINDING_CACHE'] : [])];
      expect({ role: spec.name, given: given.toSorted() }).toEqual({ role: spec.name, given: [...wanted, ...ofContainers].toSorted() });
    }
  });

  it('has one place that can be written to and executed from: the compiler of the workflows needs it', () => {
    const executable = all.flatMap(([name, { tmpfs }]) => tmpfs.filter((mount) => /[:,]exec\b/.test(mount)).map((mount) => [name, mount.split(':')[0]]));
    expect(executable).toEqual(['withdrawal-worker', 'ops'].map((name) => [name, services[name]?.environment?.['SWC_NATIVE_BINDING_CACHE']]));
  });

  it('leaves to people what only they run, who need no container of a role for it', () => {
    expect(all.flatMap(([name, service]) => (isByHand(service) ? [name] : []))).toEqual(['ops']);
    for (const [name, service] of all) expect([name, Object.keys(service.depends_on ?? {})]).toEqual([name, expect.not.arrayContaining(['ops'])]);
  });

  it('lets SIGTERM through to Node, with more time than a worker takes', () => {
    for (const [, service] of all.filter(([, each]) => targetOf(each))) expect(service).toMatchObject({ init: true, stop_grace_period: '20s' });
  });
});

describe('docker/Dockerfile', () => {
  const dockerfile = readFileSync(new URL('Dockerfile', import.meta.url), 'utf8');
  const ignored = readFileSync(new URL('Dockerfile.dockerignore', import.meta.url), 'utf8').split('\n');

  it('starts from the Node that the project runs on, by its version', () => {
    const pinned = /PINNED_NODE = '([\d.]+)'/.exec(readFileSync(new URL('../scripts/run.mjs', import.meta.url), 'utf8'))?.[1];
    expect(dockerfile).toContain(`ARG NODE_IMAGE=node:${pinned}-bookworm-slim\n`);
    expect(dockerfile.match(/^FROM .*/gm)?.slice(1).filter((line) => !line.startsWith('FROM base AS '))).toEqual(['FROM ${TEMPORAL_CLI_IMAGE} AS temporal-cli', 'FROM engine AS ops']);
    expect(dockerfile).toContain(`ARG TEMPORAL_CLI_IMAGE=temporalio/temporal:${CLI_VERSION}\n`);
  });

  it('holds production packages only, none of whose scripts ran, and ends as a user without rights', () => {
    const engine = dockerfile.slice(dockerfile.indexOf('FROM base AS engine'), dockerfile.indexOf('\nFROM ${TEMPORAL_CLI_IMAGE}'));
    const ops = dockerfile.slice(dockerfile.indexOf('FROM engine AS ops'));
    expect(dockerfile).toContain('RUN npm ci --omit=dev --ignore-scripts');
    expect(engine).toContain('COPY --from=production-packages /app/node_modules');
    expect(engine).toMatch(/USER 10001:10001\n[\s\S]*ENTRYPOINT \["node", "--import", "\/app\/docker\/secret-files\.ts"\]\nCMD \["api\/server\.ts"\]\n$/);
    expect(ops).not.toMatch(/^(USER|RUN) /m);
  });

  it('lets its user read the sources, whatever rights the checkout gives', () => {
    expect(dockerfile.match(/^COPY (?!package\.json).*/gm)?.filter((line) => !/\/node_modules |\/temporal /.test(line))).toEqual(['COPY . .', 'COPY --from=sources /app ./', 'COPY --from=sources /app ./']);
    expect(dockerfile).toContain('FROM base AS sources\nCOPY . .\nRUN chmod -R u=rwX,go=rX .\n');
  });

  it('takes in what a process reads, and neither secrets nor tests', () => {
    expect(ignored[1]).toBe('*');
    // Secrets, copies of them and an operator's .env lie in docker/: what an image needs from there stands by its name.
    expect(ignored.filter((line) => line.startsWith('!docker'))).toEqual(['health-check.ts', 'install-moto.ts', 'read-secret-files.ts', 'run-part.ts', 'secret-files.ts', 'settings'].map((name) => `!docker/${name}`));
    expect(ignored.filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('!'))).toEqual(['*', '**/*.test.ts', '**/*.testkit.ts']);
    for (const kept of ['activities', 'api', 'db', 'domain', 'scripts', 'temporal-config', 'workers', 'workflows', 'package.json', 'package-lock.json']) expect(ignored).toContain(`!${kept}`);
  });
});
