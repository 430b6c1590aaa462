import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureComposeConfig } from '../scripts/stack/compose-config.ts';

const execute = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'compose-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Project {
  services: Record<string, { image: string; build?: { target: string }; volumes?: { type: string; source: string; target: string; bind?: { create_host_path?: boolean } }[]; networks: Record<string, unknown>; environment: Record<string, string>; ports?: { host_ip: string; published: string }[]; secrets?: { source: string }[]; depends_on?: Record<string, unknown> }>;
}

/** As `docker compose config` reads the files: with the loader that is built into it. */
describe('the compose files, loaded as Compose loads them', () => {
  let program: string | undefined;
  beforeAll(async () => {
    program = await ensureComposeConfig(join(folder, 'build.log'));
  }, 600_000);

  async function load(files: readonly string[], env: Record<string, string> = {}): Promise<Project> {
    const { stdout } = await execute(program ?? '', files.map((file) => fileURLToPath(new URL(file, import.meta.url))), { env: { PATH: process.env['PATH'], ...env } });
    return JSON.parse(stdout) as Project;
  }

  it('are a valid project, whose ports move by variables', async ({ skip }) => {
    if (program === undefined) skip('there is no Go here to build the loader with');
    const { services } = await load(['compose.yaml'], { PORT: '3999', CODEC_PORT: '8999' });
    expect(Object.keys(services)).toHaveLength(16);
    expect((await load(['compose.yaml'], { COMPOSE_PROFILES: 'ops' })).services['ops']).toMatchObject({ image: expect.stringMatching(/^withdrawal-engine-ops:/), environment: { API_URL: 'http://api-server:3000' } });
    expect(services['api-server']?.ports).toEqual([expect.objectContaining({ host_ip: '127.0.0.1', published: '3999' })]);
    expect(services['temporal-ui']?.environment['TEMPORAL_CODEC_ENDPOINT']).toBe('http://127.0.0.1:8999');
  });

  const OWN = { SETTINGS_FILE: 'settings.json', POLYGON_CHAIN_ID: '137', AWS_REGION: 'ap-northeast-2', TEMPORAL_ADDRESS: 'temporal.example.com:7233' };

  it('run on an operator\'s own parts with the second file: nothing of the sandbox is left in it', async ({ skip }) => {
    if (program === undefined) skip('there is no Go here to build the loader with');
    const { services } = await load(['compose.yaml', 'compose.external.yaml'], OWN);
    expect(Object.keys(services).toSorted()).toEqual(['api-server', 'codec-server', 'migrate', 'provision', 'signing-service', 'temporal-setup', 'tx-broadcaster', 'tx-monitor', 'withdrawal-worker']);
    expect(JSON.stringify(services)).not.toMatch(/anvil|moto:|temporal:7233|sandbox\.json|@mysql|80002/);
    for (const { networks, depends_on: before = {} } of Object.values(services)) {
      for (const network of Object.keys(networks)) expect(['outbound', 'edge']).toContain(network);
      for (const other of Object.keys(before)) expect(Object.keys(services)).toContain(other);
    }
    expect(services['signing-service']).toMatchObject({
      environment: { POLYGON_RPC_URL: '', POLYGON_RPC_URL_FILE: '/run/secrets/rpc_url', AWS_ENDPOINT_URL: '', TEMPORAL_ADDRESS: OWN.TEMPORAL_ADDRESS },
      secrets: expect.arrayContaining([expect.objectContaining({ source: 'rpc_url' }), expect.objectContaining({ source: 'key_encryption_key' })]),
    });
    // A bare name is a file all the same, and one that is not there is not made as a directory.
    expect(services['tx-monitor']?.volumes?.find(({ target }) => target === '/run/settings.json')).toMatchObject({ type: 'bind', source: expect.stringMatching(/\/settings\.json$/), bind: expect.not.objectContaining({ create_host_path: true }) });
    const built = Object.values(services).flatMap(({ image, build }) => (build ? [image] : []));
    expect(new Set(Object.values(services).map(({ image }) => image))).toEqual(new Set(built));
    expect(services['tx-monitor']?.secrets?.map(({ source }) => source)).not.toContain('key_encryption_key');
  });

  it('reach an operator\'s own Temporal with their commands as well', async ({ skip }) => {
    if (program === undefined) skip('there is no Go here to build the loader with');
    const { services } = await load(['compose.yaml', 'compose.external.yaml'], { ...OWN, COMPOSE_PROFILES: 'ops' });
    expect(services['ops']).toMatchObject({ environment: { TEMPORAL_ADDRESS: OWN.TEMPORAL_ADDRESS }, volumes: [{ target: '/run/temporal' }] });
    expect(Object.keys(services['ops']?.networks ?? {}).toSorted()).toEqual(['edge', 'outbound']);
  });

  it('say which variable an operator has left out', async ({ skip }) => {
    if (program === undefined) skip('there is no Go here to build the loader with');
    await expect(load(['compose.yaml', 'compose.external.yaml'], { ...OWN, TEMPORAL_ADDRESS: '' })).rejects.toThrow('give host:port of the Temporal frontend');
  });
});
