import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readComposeFile } from '../../docker/compose.testkit.ts';
import { PROJECT_ROOT } from '../stack/paths.ts';
import { MOUNTED_FILES, openMountedFiles } from './open-mounted-files.ts';

const root = mkdtempSync(join(tmpdir(), 'mounted-files-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('files that containers mount from the checkout', () => {
  it('are those of docker/compose.yaml', () => {
    const mounted = Object.values(readComposeFile().services).flatMap(({ volumes = [] }) => volumes.flatMap((volume) => (volume.startsWith('.') ? [join('docker', volume.split(':')[0] ?? '')] : [])));
    expect(mounted.toSorted()).toEqual(MOUNTED_FILES.toSorted());
    for (const file of MOUNTED_FILES) expect(statSync(join(PROJECT_ROOT, file)).isFile()).toBe(true);
  });

  it('become readable for everybody and executable for nobody, and stay so', () => {
    const [own, program] = MOUNTED_FILES;
    for (const file of MOUNTED_FILES) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), '');
      chmodSync(join(root, file), 0o664);
    }
    chmodSync(join(root, own), 0o600);
    chmodSync(join(root, program), 0o755);
    expect(openMountedFiles(root)).toEqual([own, program]);
    expect([own, program].map((file) => statSync(join(root, file)).mode & 0o777)).toEqual([0o644, 0o644]);
    expect(openMountedFiles(root)).toEqual([]);
  });
});
