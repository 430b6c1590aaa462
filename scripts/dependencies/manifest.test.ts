import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../stack/paths.ts';

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

interface Locked {
  version?: string;
  integrity?: string;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  resolved?: string;
}

const read = (file: string): unknown => JSON.parse(readFileSync(join(PROJECT_ROOT, file), 'utf8'));
const manifest = read('package.json') as Manifest;
const lock = read('package-lock.json') as { lockfileVersion: number; packages: Record<string, Locked & Partial<Manifest>> };
const installed = Object.entries(lock.packages).filter(([path]) => path !== '');

describe('dependencies', () => {
  it('are named by one version each, never by a range, a tag or an address', () => {
    const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(all.length).toBeGreaterThan(40);
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version))).toEqual([]);
  });

  it('are locked as they are named', () => {
    const { dependencies, devDependencies } = lock.packages[''] ?? {};
    expect({ dependencies, devDependencies }).toEqual({ dependencies: manifest.dependencies, devDependencies: manifest.devDependencies });
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) expect([name, lock.packages[`node_modules/${name}`]?.version]).toEqual([name, version]);
  });

  it('come from the registry with a strong hash, but for those of platforms that the lock file was not made on', () => {
    expect(lock.lockfileVersion).toBeGreaterThanOrEqual(3);
    const unhashed = installed.filter(([, { integrity }]) => integrity?.startsWith('sha512-') !== true);
    expect(unhashed.filter(([, { optional, os, cpu }]) => !(optional === true && (os ?? cpu) !== undefined)).map(([path]) => path)).toEqual([]);
    // No repository, no file, and nothing that anyone on the way could change.
    expect(installed.filter(([, { resolved }]) => resolved !== undefined && !resolved.startsWith('https://')).map(([path]) => path)).toEqual([]);
  });

  it('are installed by `npm ci` alone: nothing that we run may change the lock file', () => {
    const files = ['scripts', '.ci', 'docker'].flatMap((folder) =>
      readdirSync(join(PROJECT_ROOT, folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts')).map(({ parentPath, name }) => join(parentPath, name)),
    );
    expect(files.length).toBeGreaterThan(30);
    expect(files.filter((file) => /\bnpm (install|i|add|update)\b(?! --package-lock-only)|'npm', \['(install|i|add|update)'/.test(readFileSync(file, 'utf8')))).toEqual([]);
  });
});
