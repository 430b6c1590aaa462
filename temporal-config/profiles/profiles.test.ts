import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadClientConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import { describe, expect, it } from 'vitest';

const pathOf = (name: string): string => fileURLToPath(new URL(`${name}.toml`, import.meta.url));
const profileOf = (name: string) => loadClientConfig({ configSource: { path: pathOf(name) }, configFileStrict: true, overrideEnvVars: {} }).profiles['default'];

describe('connection profiles, read as Temporal reads them', () => {
  it('are the embedded server without TLS', () => {
    expect(profileOf('embedded')).toMatchObject({ address: '127.0.0.1:7233', namespace: 'default', tls: { disabled: true } });
    expect(loadClientConnectConfig({ configSource: { path: pathOf('embedded') }, overrideEnvVars: {} })).toMatchObject({ connectionOptions: { address: '127.0.0.1:7233' }, namespace: 'default' });
  });

  it('are a cluster of one\'s own with a client certificate', () => {
    const { tls } = profileOf('self-hosted') ?? {};
    expect(tls).toMatchObject({
      serverName: 'temporal.example.com',
      clientCert: { path: expect.stringMatching(/client\.pem$/) },
      clientKey: { path: expect.stringMatching(/client\.key$/) },
      serverCACert: { path: expect.stringMatching(/ca\.pem$/) },
    });
  });

  it('are Temporal Cloud by TLS, with the API key from the environment', () => {
    expect(profileOf('cloud')?.tls?.disabled).not.toBe(true);
    const options = loadClientConnectConfig({ configSource: { path: pathOf('cloud') }, overrideEnvVars: { TEMPORAL_API_KEY: 'from-the-environment' } });
    expect(options).toMatchObject({ connectionOptions: { apiKey: 'from-the-environment', tls: expect.anything() } });
  });

  it('hold no key', () => {
    for (const file of readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.toml'))) {
      expect(readFileSync(new URL(file, import.meta.url), 'utf8')).not.toMatch(/^\s*(api_key|client_key_data|client_cert_data)\s*=/m);
    }
  });
});
