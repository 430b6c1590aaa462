import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { codecServerConfigFrom } from './config.ts';

const ENV = { CODEC_API_URL: 'http://127.0.0.1:3000', TEMPORAL_PAYLOAD_KEYS: `k:${randomBytes(32).toString('base64')}` };

describe('codecServerConfigFrom', () => {
  it('listens to this machine alone and lets no browser ask unless told', () => {
    expect(codecServerConfigFrom(ENV)).toMatchObject({ host: '127.0.0.1', port: 8234, uiOrigins: [], publicUrl: new URL('http://127.0.0.1:8234'), codecs: [expect.anything()] });
  });

  it('takes several origins and a public address', () => {
    const told = codecServerConfigFrom({ ...ENV, CODEC_UI_ORIGINS: 'https://temporal.example.com, http://127.0.0.1:8233', CODEC_PUBLIC_URL: 'https://codec.example.com' });
    expect(told).toMatchObject({ uiOrigins: ['https://temporal.example.com', 'http://127.0.0.1:8233'], publicUrl: new URL('https://codec.example.com') });
  });

  it.each([
    ['CODEC_API_URL', ''], ['CODEC_API_URL', 'api'], ['CODEC_API_URL', 'file:///etc'], ['CODEC_API_URL', 'http://name:s3cret@api'], ['CODEC_PORT', '70000'], ['CODEC_PORT', 'x'], ['CODEC_UI_ORIGINS', '*'],
    ['CODEC_UI_ORIGINS', 'https://temporal.example.com/'], ['CODEC_UI_ORIGINS', 'https://a.example.com,null'], ['CODEC_PUBLIC_URL', 'codec'], ['TEMPORAL_PAYLOAD_KEYS', ''],
  ])('refuses %s=%s in one line that names it', (name, value) => {
    const read = () => codecServerConfigFrom({ ...ENV, [name]: value });
    expect(read).toThrow(expect.objectContaining({ message: expect.stringMatching(new RegExp(`^${name}[^\\n]+\\.$`)) }));
    expect(read).not.toThrow(/s3cret/);
  });
});
