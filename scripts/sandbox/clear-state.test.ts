import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { statePaths } from '../stack/paths.ts';
import { assertChainOfState } from './chain-of-state.ts';
import { clearState } from './clear-state.ts';

const NOW = new Date('2026-01-02T03:04:05.678Z');
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clear-state-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** What a start leaves, on the embedded chain or on one of the user's own. */
function setUp(chain: 'embedded' | 'own', key = 'the key'): void {
  for (const dir of ['run', 'secrets', 'moto', 'mariadb']) mkdirSync(join(root, dir), { recursive: true });
  writeFileSync(join(root, 'secrets', 'key-encryption-key'), key);
  writeFileSync(join(root, 'moto', 'recording.jsonl'), 'sealed');
  writeFileSync(join(root, 'credentials.json'), '{}');
  if (chain === 'embedded') writeFileSync(join(root, 'chain.json'), '{}');
}

describe('clearing a state directory', () => {
  it('leaves nothing of a sandbox with its own chain', () => {
    setUp('embedded');
    expect(clearState(statePaths(root), NOW)).toBeUndefined();
    expect(readdirSync(root)).toEqual([]);
  });

  it('sets the keys of wallets on another chain aside, and never clears those', () => {
    setUp('own', 'first');
    const first = clearState(statePaths(root), NOW);
    expect(first).toBe(join(root, 'kept-keys-2026-01-02T03-04-05.678Z'));
    setUp('own', 'second');
    const second = clearState(statePaths(root), new Date(NOW.getTime() + 1));
    expect(clearState(statePaths(root), NOW)).toBeUndefined();
    expect(readdirSync(root).map((name) => join(root, name)).toSorted()).toEqual([first, second]);
    expect([first, second].map((dir) => readFileSync(join(dir ?? '', 'secrets', 'key-encryption-key'), 'utf8'))).toEqual(['first', 'second']);
    expect(readFileSync(join(second ?? '', 'moto', 'recording.jsonl'), 'utf8')).toBe('sealed');
  });

  it('empties no directory that no start made', () => {
    writeFileSync(join(root, 'letter.txt'), 'mine');
    expect(clearState(statePaths(root), NOW)).toBeUndefined();
    expect(readdirSync(root)).toEqual(['letter.txt']);
  });
});

describe('a state directory', () => {
  it('stays with the chain it was set up for', () => {
    const paths = statePaths(root);
    for (const chain of ['embedded', 'own'] as const) expect(() => assertChainOfState(paths, chain)).not.toThrow();
    setUp('own');
    expect(() => assertChainOfState(paths, 'own')).not.toThrow();
    expect(() => assertChainOfState(paths, 'embedded')).toThrow('was set up for a chain of your own');
    setUp('embedded');
    expect(() => assertChainOfState(paths, 'embedded')).not.toThrow();
    expect(() => assertChainOfState(paths, 'own')).toThrow('was set up for the embedded chain');
  });
});
