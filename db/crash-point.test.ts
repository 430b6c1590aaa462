import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CRASH_POINTS } from './crash-point.ts';

interface Ended {
  pid: number | undefined;
  code: number | null;
  signal: NodeJS.Signals | null;
  /** hits the process lived through */
  output: string;
}

/** Runs a process that passes the named points in turn and says so after each. */
function passPoints(points: readonly string[], env: NodeJS.ProcessEnv, cwd?: string): Promise<Ended> {
  const script = `
    import { writeSync } from 'node:fs';
    import { crashPointFrom } from ${JSON.stringify(new URL('./crash-point.ts', import.meta.url).href)};
    const crashPoint = crashPointFrom(process.env);
    for (const name of ${JSON.stringify(points)}) {
      crashPoint(name);
      writeSync(1, name + ' ');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { env: { PATH: process.env['PATH'], ...env }, ...(cwd !== undefined && { cwd }), stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ pid: child.pid, code, signal, output: output.trim() }));
  });
}

describe('a crash point', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'crash-points-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('kills the process at the armed point, leaves its id behind, and lets the next process live', async () => {
    writeFileSync(join(folder, 'bytes-committed'), '0');
    const env = { CRASH_POINT_DIR: folder };

    const first = await passPoints(['nonce-reserved', 'bytes-committed', 'sent'], env);
    expect(first).toMatchObject({ code: null, signal: 'SIGKILL', output: 'nonce-reserved' });
    expect(readdirSync(folder)).toEqual(['bytes-committed.fired']);
    expect(readFileSync(join(folder, 'bytes-committed.fired'), 'utf8')).toBe(String(first.pid));

    const second = await passPoints(['nonce-reserved', 'bytes-committed', 'sent'], env);
    expect(second).toMatchObject({ code: 0, signal: null, output: 'nonce-reserved bytes-committed sent' });
  });

  it('lets as many hits pass as the file says', async () => {
    writeFileSync(join(folder, 'sent'), '2');
    const ended = await passPoints(['sent', 'settled', 'sent', 'sent', 'sent'], { CRASH_POINT_DIR: folder });
    expect(ended).toMatchObject({ signal: 'SIGKILL', output: 'sent settled sent' });
    expect(existsSync(join(folder, 'sent.fired'))).toBe(true);
  });

  it('does nothing at a point that is not armed', async () => {
    const ended = await passPoints(CRASH_POINTS, { CRASH_POINT_DIR: folder });
    expect(ended).toMatchObject({ code: 0, output: CRASH_POINTS.join(' ') });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([{}, { CRASH_POINT_DIR: '' }])('does nothing with the environment %o, armed or not', async (env) => {
    for (const name of CRASH_POINTS) writeFileSync(join(folder, name), '0');
    // In the very folder, so that a path made of nothing would find the files.
    const ended = await passPoints(CRASH_POINTS, env, folder);
    expect(ended).toMatchObject({ code: 0, output: CRASH_POINTS.join(' ') });
    expect(readdirSync(folder).toSorted()).toEqual([...CRASH_POINTS].toSorted());
  });
});
