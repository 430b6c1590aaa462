import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OpsError } from '../../temporal-config/ops/ops-error.ts';
import { opsConfig } from './config.ts';

describe('where the operators\' commands work', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ops-config-'));
  const sandbox = { SANDBOX_DIR: folder };
  const apiKey = randomBytes(8).toString('hex');
  beforeAll(() => {
    const account = (email: string) => ({ email, password: 'theirs' });
    writeFileSync(join(folder, 'credentials.json'), JSON.stringify({ baseUrl: 'http://127.0.0.1:3000', temporalAddress: '127.0.0.1:7233', admin: account('admin'), approver: account('approver') }));
    writeFileSync(join(folder, 'api-key'), `${apiKey}\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is the sandbox without a word, as the account that is named', () => {
    const config = opsConfig(sandbox, undefined);
    expect(config.temporal().env).toMatchObject({ TEMPORAL_ADDRESS: '127.0.0.1:7233', TEMPORAL_NAMESPACE: 'default', HOME: folder });
    expect(config.api()).toEqual({ url: 'http://127.0.0.1:3000', operator: { email: 'admin', password: 'theirs' } });
    expect(opsConfig(sandbox, 'approver').api().operator).toMatchObject({ email: 'approver' });
  });

  it('takes no key or certificate of another server to the sandbox', () => {
    const { env } = opsConfig({ ...sandbox, TEMPORAL_API_KEY: apiKey, TEMPORAL_TLS: 'true', TEMPORAL_NAMESPACE: 'mine' }, undefined).temporal();
    expect(Object.keys(env).filter((name) => name.startsWith('TEMPORAL_'))).toEqual(['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE']);
    expect(env['TEMPORAL_NAMESPACE']).toBe('mine');
  });

  it.each([{ TEMPORAL_ADDRESS: 'temporal:7233' }, { TEMPORAL_PROFILE: 'theirs' }, { TEMPORAL_CONFIG_FILE: '/etc/temporal.toml' }])('is where %j says, and no sandbox', (place) => {
    const config = opsConfig({ ...sandbox, ...place }, undefined);
    expect(config.temporal().env).toMatchObject(place);
    expect(() => config.api()).toThrow(/API_TOKEN/);
    expect(() => opsConfig({ ...sandbox, ...place }, 'admin')).toThrow(/--as/);
  });

  it('hands the CLI an API key that stands in a file', () => {
    const file = join(folder, 'api-key');
    expect(opsConfig({ TEMPORAL_ADDRESS: 'temporal:7233', TEMPORAL_API_KEY_FILE: file }, undefined).temporal().env['TEMPORAL_API_KEY']).toBe(apiKey);
    expect(() => opsConfig({ TEMPORAL_ADDRESS: 'temporal:7233', TEMPORAL_API_KEY_FILE: `${file}-absent` }, undefined).temporal()).toThrow(OpsError);
  });

  it('never mixes one\'s API with the other\'s Temporal, nor two people\'s words', () => {
    const config = opsConfig({ ...sandbox, API_URL: 'https://api.example.com', API_TOKEN: 'token' }, undefined);
    expect(config.api()).toEqual({ url: 'https://api.example.com', operator: { token: 'token' } });
    expect(() => config.temporal()).toThrow(/TEMPORAL_ADDRESS/);
    expect(() => opsConfig({ ...sandbox, API_TOKEN: 'token' }, 'approver')).toThrow(/--as/);
  });

  it('says so where there is no sandbox, and replays without one', () => {
    const config = opsConfig({ SANDBOX_DIR: join(folder, 'absent'), TEMPORAL_PAYLOAD_KEYS: 'plain' }, undefined);
    for (const part of [config.temporal, config.api]) expect(part).toThrow(/npm start/);
    expect(config.payloads()).toMatchObject({ payloadCodecs: [] });
  });
});
