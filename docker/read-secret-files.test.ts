import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSecretFiles } from './read-secret-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'secret-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe('secrets that come as files', () => {
  it('are what the variable would have been, without the newline an editor leaves', () => {
    const env = { SEAL_KEY_FILE: fileOf('seal', 'a b=\n'), DATABASE_URL_FILE: fileOf('url', 'mysql://h'), LOG_LEVEL: 'WARN' };
    readSecretFiles(env);
    expect(env).toEqual({ SEAL_KEY: 'a b=', DATABASE_URL: 'mysql://h', LOG_LEVEL: 'WARN' });
    readSecretFiles(env);
    expect(env).toMatchObject({ SEAL_KEY: 'a b=' });
  });

  it('leave alone what reads its own file, and a name that is set to nothing', () => {
    const env = { SETTINGS_FILE: '/s.json', TEMPORAL_API_KEY_FILE: '/k', POLYGON_RPC_URL: '', POLYGON_RPC_URL_FILE: fileOf('rpc', 'http://n') };
    readSecretFiles(env);
    expect(env).toEqual({ SETTINGS_FILE: '/s.json', TEMPORAL_API_KEY_FILE: '/k', POLYGON_RPC_URL: 'http://n' });
  });

  it('are refused where it is not clear which holds', () => {
    expect(() => readSecretFiles({ SEAL_KEY: 'x', SEAL_KEY_FILE: fileOf('both', 'secret-text') })).toThrow(/^SEAL_KEY and SEAL_KEY_FILE are both set: leave one of them out\.$/);
    expect(() => readSecretFiles({ SEAL_KEY_FILE: join(folder, 'none') })).toThrow(/^SEAL_KEY_FILE .*none cannot be read/);
    expect(() => readSecretFiles({ SEAL_KEY_FILE: fileOf('empty', '\n') })).toThrow('is empty');
  });
});
