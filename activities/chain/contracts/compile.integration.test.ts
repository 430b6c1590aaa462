import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CONTRACT_NAMES,
  ContractCompilationError,
  compileContracts,
  compileSources,
} from './compile.ts';

const TIMEOUT_MS = 60_000;
const HEADER = '// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\n';

describe('compileContracts', () => {
  let cacheDir: string;
  beforeEach(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), 'contracts-'));
  });
  afterEach(async () => {
    await rm(cacheDir, { recursive: true });
  });

  it('compiles every token once and then answers from the cache', { timeout: TIMEOUT_MS }, async () => {
    const compiled = await compileContracts({ cacheDir });
    for (const name of CONTRACT_NAMES) {
      expect(compiled[name].bytecode).toMatch(/^0x[0-9a-f]{2000,}$/);
      expect(compiled[name].abi.length).toBeGreaterThan(0);
    }
    const files = await readdir(cacheDir);
    expect(files).toHaveLength(1);

    const marked = { ...compiled, TestUSDC: { abi: [], bytecode: '0xfromcache' } };
    await writeFile(join(cacheDir, files[0] as string), JSON.stringify(marked));
    expect(await compileContracts({ cacheDir })).toEqual(marked);
  });

  it('refuses a broken cache file with a typed error', { timeout: TIMEOUT_MS }, async () => {
    await compileContracts({ cacheDir });
    const [file] = await readdir(cacheDir);
    await writeFile(join(cacheDir, file as string), '{');
    await expect(compileContracts({ cacheDir })).rejects.toBeInstanceOf(ContractCompilationError);
  });
});

describe('compileSources', () => {
  it('takes a warning for an error', { timeout: TIMEOUT_MS }, async () => {
    const content = `${HEADER}contract Warned { function f() external pure { uint256 unused; } }`;
    await expect(compileSources({ 'Warned.sol': { content } }, ['Warned'])).rejects.toThrow(
      /Warning: Unused local variable/,
    );
  });

  it('refuses sources that do not hold the contract asked for', { timeout: TIMEOUT_MS }, async () => {
    const content = `${HEADER}contract Other {}`;
    await expect(compileSources({ 'Wanted.sol': { content } }, ['Wanted'])).rejects.toThrow(
      'solc gave no bytecode for Wanted',
    );
  });
});
