import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { API_KEY_LOOK_MS, apiKeyFrom } from './api-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'api-key-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('is none where none is given', () => {
  expect(apiKeyFrom({})).toBeNull();
});

it('from a file follows it, but neither more often than said nor into nothing', () => {
  const file = join(folder, 'key');
  let nowMs = 0;
  let written = 0;
  const write = (text: string): void => {
    writeFileSync(file, text);
    utimesSync(file, (written += 1), written);
  };
  write('first\n');
  const apiKey = apiKeyFrom({ TEMPORAL_API_KEY_FILE: file }, () => nowMs);
  expect(apiKey?.read()).toBe('first');
  write('second');
  nowMs = API_KEY_LOOK_MS - 1;
  expect(apiKey?.read()).toBe('first');
  nowMs += 1;
  expect(apiKey?.read()).toBe('second');
  // Half written, then gone: the last one stays in force.
  write('');
  nowMs += API_KEY_LOOK_MS;
  expect(apiKey?.read()).toBe('second');
  rmSync(file);
  nowMs += API_KEY_LOOK_MS;
  expect(apiKey?.read()).toBe('second');
  write('third');
  nowMs += API_KEY_LOOK_MS;
  expect(apiKey?.read()).toBe('third');
});
