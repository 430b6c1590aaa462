import { describe, expect, it } from 'vitest';
import { parseEndpointUrl } from './endpoint-url.ts';

const KEY = 'Zx81k-Key_0123456789abcdef';

describe('the URL of an endpoint', () => {
  it('shows its host and port only, and redacts the rest wherever it is quoted', () => {
    const { host, redact, href } = parseEndpointUrl(`https://rpc.example:8443/v2/${KEY}?token=t0ken-value`, 0);
    expect(host).toBe('rpc.example:8443');
    expect(href).toContain(KEY);
    for (const quoted of [`fetch of ${href} failed`, `POST /v2/${KEY}?token=t0ken-value 403`, `key ${KEY} is over its limit`, 'bad token t0ken-value']) {
      expect(redact(quoted)).toContain('[redacted]');
      expect(redact(quoted)).not.toMatch(/Zx81k|t0ken/);
    }
    expect(redact('connect ECONNREFUSED rpc.example:8443')).toBe('connect ECONNREFUSED rpc.example:8443');
  });

  it('sends user and password as a header: fetch refuses them in a URL, and quotes it', () => {
    const { href, headers, redact } = parseEndpointUrl('https://someone:pass%40word@rpc.example/', 0);
    expect(href).toBe('https://rpc.example/');
    expect(headers).toEqual({ authorization: `Basic ${Buffer.from('someone:pass@word').toString('base64')}` });
    expect(redact('no access for someone with pass@word')).toBe('no access for [redacted] with [redacted]');
    expect(parseEndpointUrl('http://127.0.0.1:8545', 0).headers).toEqual({});
  });

  it.each(['', 'rpc.example/v2', `wss://rpc.example/${KEY}`, `https//rpc.example/${KEY}`])('refuses %j without showing it', (text) => {
    expect(() => parseEndpointUrl(text, 1)).toThrow(/^RPC endpoint 2 is not an http or https URL\.$/);
  });
});
