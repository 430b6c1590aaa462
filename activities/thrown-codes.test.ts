import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isErrorCode, stopsWithdrawals } from '../domain/errors.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What runs inside a withdrawal: activities, what they call, and the workflow's own failures. */
const FOLDERS = ['activities', 'workflows', 'domain', 'db/repositories'];

/** Codes written in the sources, with the file of each. */
function codesIn(folders: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of globSync(folders.map((folder) => `${folder}/**/*.ts`), { cwd: ROOT }).filter((name) => !/\.(test|testkit)\.ts$/.test(name))) {
    const text = readFileSync(`${ROOT}/${file}`, 'utf8');
    // What the operating system calls a failure is spelled like a code of ours, without being one.
    for (const [, code] of text.matchAll(/(?:EngineError\(|\b(?:code|errorCode): )'([A-Z_]+)'/g)) if (code !== undefined && !/^E[A-Z]+$/.test(code)) found.set(code, file);
  }
  return found;
}

describe('every code that a withdrawal can be stopped by', () => {
  const codes = codesIn(FOLDERS);

  it('is looked for where they are thrown', () => {
    expect([...codes.keys()]).toEqual(expect.arrayContaining(['KEY_INVALID', 'CHAIN_UNAVAILABLE', 'SEND_REJECTED', 'PAYMENT_MISMATCH', 'WINDOW_FULL', 'TRANSFER_REFUSED']));
  });

  it.each([...codes])('%s (%s) is classified, with an advice', (code) => {
    expect(isErrorCode(code) && stopsWithdrawals(code)).toBe(true);
  });
});
